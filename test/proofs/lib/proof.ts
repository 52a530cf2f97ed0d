/** What a long proof is: rounds that each follow from one seed, and fail by throwing. */

/** A file in test/proofs/ exports one as `proof`; its name is the file's. */
export interface Proof {
  /** One line for the list. */
  readonly summary: string;
  /**
   * One round: what it tries, and when, follows from the seed.
   * @param stop somebody wants it to end: it throws soon.
   * @returns what was seen, in a few words.
   * @throws {CannotTry} where this machine lets it try nothing; anything else is a proof that failed.
   */
  round(seed: number, stop: AbortSignal): Promise<string>;
}

/** Nothing was tried, and nothing is claimed. */
export class CannotTry extends Error {}
