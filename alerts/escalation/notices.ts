/** From an incident to its notices: whom they go to, in which thread, with which words, by the settings of this moment. */
import { inLanguage, type Language, type Localised, lastResort } from "../../core/language.ts";
import type { Log } from "../../core/log.ts";
import type { OnCall, Organisation } from "../../core/organisation.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import type { Target } from "../../core/target.ts";
import type { Facts } from "../judging/incident-facts.ts";
import type { Tracked } from "../judging/open-incidents.ts";
import {
  emptySteps,
  hastened,
  type Plan,
  planNotices,
  planRecovery,
  type Round,
  reachesSomebody,
  type Thread,
  threadName,
} from "./plan.ts";

import { type FirstSteps, readRunbooks } from "./runbooks.ts";
import { type Seen, subject, type Trouble } from "./wording.ts";

type Instant = Temporal.Instant;

/** What a reload of the configuration may change. */
export interface TellingSettings {
  readonly organisation: Organisation;
  readonly targets: readonly Target[];
  readonly onCall: OnCall;
  /** Names of the configured channels. */
  readonly channels: readonly string[];
  /** Address of the public pages, for the links in notices. */
  readonly baseUrl: string;
}

export interface TellingOptions extends TellingSettings {
  readonly log: Log;
  /** Signs the links that acknowledge: `store.keys.signing("action")`. */
  readonly signingKey: Uint8Array;
  /** Which of the names and titles stand in notices; their own words are English. */
  readonly language?: Language;
  /** Marks every notice: these services do not exist. */
  readonly practice?: boolean;
}

/** What is told about trouble. */
interface News extends Pick<Trouble, "again" | "outlasts"> {
  readonly facts: Facts;
  readonly target: Target;
  readonly seen: Seen;
  /** What members read about it; undefined when they see nothing of it. */
  readonly membersSee: Localised | undefined;
  /** Tells one telling of the same incident from another. */
  readonly round: Round;
  /** The steps of the escalation count from here: when it was confirmed, or until when a cause is waited for. */
  readonly from: Instant;
  /** What was planned before and is taken back for it. */
  readonly instead?: readonly NoticeStatus[];
}

export class Telling {
  readonly #options: TellingOptions;
  #settings: TellingSettings;
  readonly #firstSteps: FirstSteps;

  private constructor(options: TellingOptions, firstSteps: FirstSteps) {
    this.#options = options;
    this.#settings = options;
    this.#firstSteps = firstSteps;
    this.#warnOfSilence();
  }

  static async open(options: TellingOptions): Promise<Telling> {
    return new Telling(options, await readRunbooks());
  }

  reconfigure(settings: TellingSettings): void {
    this.#settings = settings;
    this.#warnOfSilence();
  }

  get reachesSomebody(): boolean {
    return reachesSomebody(this.#plan());
  }

  /** The notices of an incident that just opened, became worse, or is told only now. */
  trouble(tracked: Tracked, id: number, { facts, target, membersSee, round, from, instead, ...news }: News) {
    const trouble: Trouble = {
      ...this.#about(id, facts, target.name),
      ...news,
      membersSee: membersSee && inLanguage(membersSee, this.#language),
      steps: this.#firstSteps(facts.runbook),
    };
    return planNotices(trouble, this.#plan(), {
      ...this.#thread(tracked, id),
      round,
      from,
      ...(instead && { instead }),
    });
  }

  /** The notices of an incident whose cause was waited for in vain: due now. */
  hastened(existing: readonly NoticeStatus[], at: Instant) {
    return hastened(existing, this.#plan(), at);
  }

  /**
   * The notices that an incident is over.
   * @param name of the target, which may be watched no more.
   * @param existing what was told about it so far.
   */
  recovery(
    id: number,
    facts: Facts,
    name: Localised,
    end: {
      readonly resolvedAt: Instant;
      readonly unwatched: boolean;
      readonly now: Instant;
      readonly foundAt: Instant;
    },
    existing: readonly NoticeStatus[],
  ) {
    const { resolvedAt, unwatched, ...moments } = end;
    return planRecovery({ ...this.#about(id, facts, name), resolvedAt, unwatched }, this.#plan(), existing, moments);
  }

  #about(id: number, facts: Facts, name: Localised) {
    const language = this.#language;
    return { id, facts, name: inLanguage(name, language), language, statusUrl: `${this.#plan().baseUrl}/` };
  }

  #thread({ thread, openingTitle }: Tracked, id: number): Thread {
    const { practice = false } = this.#options;
    return (
      thread ?? {
        thread: threadName(id, this.#options),
        subject: subject(id, inLanguage(openingTitle, this.#language), practice),
      }
    );
  }

  #plan(): Plan {
    const { onCall, channels, baseUrl, organisation } = this.#settings;
    const { signingKey } = this.#options;
    return { onCall, channels, baseUrl: baseUrl.replace(/\/+$/, ""), signingKey, timeZone: organisation.timeZone };
  }

  get #language(): Language {
    return this.#options.language ?? lastResort;
  }

  /** A configuration that can wake nobody is legal (a status page alone), but not in silence. */
  #warnOfSilence(): void {
    const { log } = this.#options;
    if (this.#settings.onCall.escalation.length === 0) log.warn("nobody is told about incidents: no escalation is set");
    for (const { afterSeconds, notify } of emptySteps(this.#plan())) {
      log.warn("an escalation step reaches nobody", { afterSeconds, notify });
    }
  }
}
