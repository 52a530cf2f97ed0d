/** Who is told, by which channels, in which language and with which links: the settings of this moment, until a reload. */
import { createHash } from "node:crypto";
import { acknowledgeSeconds, signToken } from "../../core/action-token.ts";
import { flappingDefaults } from "../../core/config/defaults.ts";
import type { News } from "../../core/escalation.ts";
import type { IncidentFacts } from "../../core/incident.ts";
import { fallbackLanguage, inLanguage, type Language, type Localised } from "../../core/language.ts";
import type { Contact, FlappingSettings, OnCall, Organisation } from "../../core/organisation.ts";
import type { Target } from "../../core/target.ts";
import { type Plan, reachesSomebody } from "./plan.ts";
import { type FirstSteps, readRunbooks } from "./runbooks.ts";
import { type Recovery, subject, type Trouble } from "./wording.ts";

/** What a reload of the configuration may change. */
export interface AlertSettings {
  readonly organisation: Organisation;
  readonly targets: readonly Target[];
  readonly onCall: OnCall;
  /** Default: `flappingDefaults`. */
  readonly flapping?: FlappingSettings;
  /** Names of the configured channels. */
  readonly channels: readonly string[];
  /** Address of the public pages, for the links in notices. */
  readonly baseUrl: string;
}

export interface PolicyOptions extends AlertSettings {
  /** Signs the links that acknowledge: `store.keys.signing("action")`. */
  readonly signingKey: Uint8Array;
  /** Which of the names and titles stand in notices; their own words are English. */
  readonly language?: Language;
  /** Marks every notice: these services do not exist. */
  readonly practice?: boolean;
}

export class Policy {
  readonly #options: PolicyOptions;
  #settings: AlertSettings;
  readonly #firstSteps: FirstSteps;

  private constructor(options: PolicyOptions, firstSteps: FirstSteps) {
    this.#options = options;
    this.#settings = options;
    this.#firstSteps = firstSteps;
  }

  static async open(options: PolicyOptions): Promise<Policy> {
    return new Policy(options, await readRunbooks());
  }

  reconfigure(settings: AlertSettings): void {
    this.#settings = settings;
  }

  get plan(): Plan {
    const { onCall, channels } = this.#settings;
    return { onCall, channels };
  }

  get flapping(): FlappingSettings {
    return this.#settings.flapping ?? flappingDefaults;
  }

  get reachesSomebody(): boolean {
    return reachesSomebody(this.plan);
  }

  /** One that is not in the configuration any more is known by its id only. */
  contact(id: string): Contact {
    const { onCall, organisation } = this.#settings;
    const known = onCall.contacts.find((contact) => contact.id === id);
    return known ?? { id, name: id, timeZone: organisation.timeZone, addresses: {} };
  }

  /**
   * What keeps all notices about an incident together. "incident-42-x7k2mq": numbers begin again in a new store, and a
   * mail server silently swallows a second message with a Message-ID that it has seen. The end is this installation's own.
   */
  thread(incident: number, title: Localised): { readonly thread: string; readonly subject: string } {
    return this.ownThread(`incident-${incident}`, inLanguage(title, this.#language), incident);
  }

  /** Of one that has no number, because the store cannot be written. */
  threadWithoutNumber({ key, startedAt, title }: Omit<IncidentFacts, "id">) {
    return this.ownThread(`fallback-${key}-${startedAt.epochMilliseconds}`, inLanguage(title, this.#language));
  }

  /** Of what is no incident. @param name names the thread in this installation. */
  ownThread(name: string, title: string, incident?: number): { readonly thread: string; readonly subject: string } {
    const { signingKey, practice = false } = this.#options;
    const own = createHash("sha256").update("tidewatch installation\0").update(signingKey).digest("hex").slice(0, 6);
    return { thread: `${name}-${own}`, subject: subject(incident, title, practice) };
  }

  trouble({ name, membersSee, also = [], addresses: _, ...news }: News): Trouble {
    const { facts } = news;
    return {
      ...news,
      ...this.#about(facts, name),
      also: also.map((one) => inLanguage(one, this.#language)),
      membersSee: membersSee && inLanguage(membersSee, this.#language),
      steps: this.#firstSteps(facts.runbook),
    };
  }

  /** @param end `unwatched`: it is not over as far as we know, but taken out of the configuration. */
  recovery(
    { facts, name }: Pick<News, "facts" | "name">,
    end: Pick<Recovery, "resolvedAt" | "unwatched"> & Partial<Pick<Recovery, "relapses">>,
  ): Recovery {
    return { ...this.#about(facts, name), relapses: 0, ...end };
  }

  acknowledgeUrl(incident: number, { id }: Contact, at: Temporal.Instant): string {
    const expires = Math.ceil(at.epochMilliseconds / 1000) + acknowledgeSeconds;
    const token = signToken({ purpose: "acknowledge", incident, contact: id, expires }, this.#options.signingKey);
    return `${this.#baseUrl}/a/${token}`;
  }

  #about(facts: Omit<IncidentFacts, "id">, name: Localised) {
    const language = this.#language;
    return { facts, name: inLanguage(name, language), language, statusUrl: `${this.#baseUrl}/` };
  }

  get #baseUrl(): string {
    return this.#settings.baseUrl.replace(/\/+$/, "");
  }

  get #language(): Language {
    return this.#options.language ?? fallbackLanguage;
  }
}
