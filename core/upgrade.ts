/** Upgrades: detects that a watched program runs another version than before, by a reading like `mastodon_info`. */
import { type Localised, sameInAll } from "./language.ts";
import { inEvery } from "./languages/translations.ts";
import type { Reading, Sample } from "./sample.ts";

/** Something that happened and explains what the figures did. */
export interface Annotation {
  readonly target: string;
  readonly at: Temporal.Instant;
  /** Without the target's name: "upgraded 4.3.2 → 4.4.0". */
  readonly text: Localised;
}

interface KnownVersion {
  readonly version: string;
  /** Another version that was seen once: a cache may have told it, so it must be seen twice in a row. */
  readonly doubted?: { readonly version: string; readonly at: Temporal.Instant };
}

/** What is known of each target's versions; give it every sample, in order. */
export class Versions {
  readonly #known = new Map<string, KnownVersion>();

  /** @returns what to write down, where this sample makes another version sure. */
  note(sample: Pick<Sample, "target" | "at" | "readings">): readonly Annotation[] {
    return (sample.readings ?? []).flatMap((reading) => {
      const version = versionIn(reading);
      return version === undefined ? [] : (this.#moved(sample, reading.metric, version) ?? []);
    });
  }

  #moved({ target, at }: Pick<Sample, "target" | "at">, metric: string, version: string): Annotation | undefined {
    const key = JSON.stringify([target, metric]);
    const known = this.#known.get(key);
    if (!known || known.version === version) {
      this.#known.set(key, { version });
      return undefined;
    }
    if (known.doubted?.version !== version) {
      this.#known.set(key, { ...known, doubted: { version, at } });
      return undefined;
    }
    this.#known.set(key, { version });
    const text = changeText(known.version, version);
    const software = infrastructure.get(metric);
    return { target, at: known.doubted.at, text: software === undefined ? text : named(sameInAll(software), text) };
  }
}

/** The version that a reading tells; undefined for any other reading. */
function versionIn({ metric, labels }: Pick<Reading, "metric" | "labels">): string | undefined {
  return metric.endsWith("_info") ? labels?.["version"] : undefined;
}

/** Software that a service runs on: there the target's name alone would say that the service itself was upgraded. */
const infrastructure: ReadonlyMap<string, string> = new Map([
  ["redis_info", "Redis"],
  ["cloudron_info", "Cloudron"],
]);

/** What it happened to, before what happened: "Mastodon upgraded 4.3.2 → 4.4.0". */
export const named = (name: Localised, text: Localised): Localised => inEvery(({ the }) => `${the(name)} ${the(text)}`);

/** "upgraded 4.3.2 → 4.4.0"; of a version that is not newer, that it is another. */
export function changeText(from: string, to: string): Localised {
  const change = `${from} → ${to}`;
  const direction = compare(from, to);
  if (direction > 0) return inEvery(({ words }) => words.upgraded(change));
  if (direction < 0) return inEvery(({ words }) => words.wentBack(change));
  return inEvery(({ words }) => words.changed(change));
}

/** Above 0 when `to` is the newer release; what follows the three numbers is not compared. */
function compare(from: string, to: string): number {
  const [before, after] = [numbersOf(from), numbersOf(to)];
  const differing = after.findIndex((number, index) => number !== (before[index] ?? 0));
  return differing < 0 ? 0 : (after[differing] ?? 0) - (before[differing] ?? 0);
}

const numbersOf = (version: string): readonly number[] =>
  (/^v?(\d+(?:\.\d+){0,3})/.exec(version)?.[1] ?? "").split(".").map(Number);
