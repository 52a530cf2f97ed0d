/**
 * The write queue of the recorder: what waits to be committed, in order; bounded however long the store fails, and
 * counting what it drops.
 */
import type { Sample } from "../../core/sample.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { StoredConfirmation, Transition } from "../../core/store/judgements.ts";

/** What belongs into one transaction together. */
export interface Entry {
  readonly sample?: Sample;
  readonly transitions?: readonly Transition[];
  readonly confirmation?: StoredConfirmation;
  /** What the alerts decided, or what follows from a request. */
  readonly decided?: Changes;
  /** The number of the request that `decided` answers. */
  readonly request?: number;
}

export const limits = { withEvidence: 10_000, entries: 100_000, commit: 5_000 } as const;
/** Room is made in larger steps, or every sample would search the whole queue. */
const roomAtOnce = limits.entries / 100;

export class Queue {
  #entries: Entry[] = [];
  #dropped = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** How many samples were given up since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    const ageing = this.#entries.length - 1 - limits.withEvidence;
    const old = this.#entries[ageing];
    if (old) this.#entries[ageing] = withoutEvidence(old);
    if (this.#entries.length > limits.entries) this.#makeRoom();
  }

  /** First in line. */
  pushFirst(entries: readonly Entry[]): void {
    this.#entries = [...entries, ...this.#entries];
  }

  /** The oldest ones, at most as many as one commit takes without holding up everything else. */
  removeOldest(most: number): readonly Entry[] {
    return this.#entries.splice(0, most);
  }

  countDropped(): void {
    this.#dropped++;
  }

  /** Gives up the oldest plain good news; failing that, the oldest samples on which nothing hangs. */
  #makeRoom(): void {
    const before = this.#entries.length;
    for (const expendable of [isPlainUp, isPlain]) {
      let needed = this.#entries.length - (limits.entries - roomAtOnce);
      this.#entries = this.#entries.filter((entry) => needed <= 0 || !expendable(entry) || needed-- <= 0);
    }
    this.#dropped += before - this.#entries.length;
  }
}

export function changesOf(entries: readonly Entry[]): Changes {
  return mergeChanges(
    entries.flatMap(({ sample, transitions = [], confirmation, decided }) => [
      { transitions, ...(sample && { samples: [sample] }), ...(confirmation && { confirmations: [confirmation] }) },
      ...(decided ? [decided] : []),
    ]),
  );
}

const isPlain = ({ transitions, decided }: Entry) => (transitions ?? []).length === 0 && decided === undefined;
const isPlainUp = (entry: Entry) => isPlain(entry) && entry.sample?.outcome === "up";

function withoutEvidence(entry: Entry): Entry {
  if (!entry.sample) return entry;
  const { evidence: _evidence, explanation: _explanation, ...sample } = entry.sample;
  return { ...entry, sample };
}
