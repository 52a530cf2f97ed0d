/** The fallback as a part of the program: opened before the judge, so that what an earlier process told is known to him. */
import { Fallback } from "../alerts/delivery/fallback.ts";
import { type FallbackJournal, openFallbackJournal } from "../alerts/delivery/fallback-journal.ts";
import { type AlertSettings, Policy, type PolicyOptions } from "../alerts/escalation/policy.ts";
import type { Tracked } from "../alerts/judging/open-incidents.ts";
import type { Store } from "../core/store/store.ts";
import { deliverySettings } from "./delivery-settings.ts";
import { httpOnDemand } from "./http-on-demand.ts";
import type { Part } from "./part.ts";
import { judgeSettings } from "./settings.ts";
import type { StartOptions } from "./start-options.ts";

interface FallbackParts {
  readonly alerts: PolicyOptions;
  readonly store: Store;
  incidents(): readonly Tracked[];
  storeFault(): string | undefined;
  onReleased(): void;
}

export type FallbackPart = Part &
  Pick<Fallback, "holds" | "hasFile" | "isTold" | "noteSent" | "tellings"> &
  AsyncDisposable;

export async function openFallback(options: StartOptions, parts: FallbackParts): Promise<FallbackPart> {
  const { config, plugins, version, clock, log } = options;
  const { alerts, store, ...asked } = parts;
  const policy = await Policy.open(alerts);
  const journal = await journalOf(options);
  let settings = deliverySettings(config, plugins);
  const { channels } = settings;
  const http = httpOnDemand(config, version);
  const fallback = new Fallback({ ...asked, store, policy, channels, journal, http, clock, log });
  await fallback.takeUp();
  return {
    name: "fallback",
    run: (signal) => fallback.run(signal),
    reconfigure(changed) {
      const alertSettings: AlertSettings = judgeSettings(changed);
      policy.reconfigure(alertSettings);
      settings = deliverySettings(changed, plugins, settings);
      fallback.reconfigure(settings.channels);
    },
    get holds() {
      return fallback.holds;
    },
    get hasFile() {
      return fallback.hasFile;
    },
    tellings: () => fallback.tellings(),
    isTold: (key) => fallback.isTold(key),
    noteSent: (notice) => fallback.noteSent(notice),
    [Symbol.asyncDispose]: () => fallback[Symbol.asyncDispose](),
  };
}

/** A fallback that cannot be used keeps nothing else from working. */
async function journalOf({ config, log }: StartOptions): Promise<FallbackJournal | undefined> {
  try {
    return await openFallbackJournal(config.fallback);
  } catch (error) {
    log.error("the fallback file cannot be used: a kill would forget who was told past the store", {
      file: config.fallback,
      error,
    });
    return undefined;
  }
}
