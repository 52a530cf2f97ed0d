/** Which checks look at the same machine: by the addresses to which their names led last. */
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";

export class Hosts {
  readonly #addresses = new Map<CheckKey, ReadonlySet<string>>();

  /** A run whose name led nowhere says nothing about where it was before. */
  learn(sample: Pick<Sample, "target" | "check" | "addresses">): void {
    const { addresses = [] } = sample;
    if (addresses.length > 0) this.#addresses.set(checkKey(sample), new Set(addresses));
  }

  addressesOf(key: CheckKey): readonly string[] {
    return [...(this.#addresses.get(key) ?? [])];
  }

  /** As far as both are known. */
  areShared(a: CheckKey, b: CheckKey): boolean {
    const [one, other] = [this.#addresses.get(a), this.#addresses.get(b)];
    return one !== undefined && other !== undefined && !one.isDisjointFrom(other);
  }
}
