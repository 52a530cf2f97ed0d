/** What a long proof is: rounds that each follow from one seed, and fail by throwing. */

/** A file in test/proofs/ exports one as `proof`; its name is the file's. */
export interface Proof {
  /** One line for the list. */
  readonly summary: string;
  /**
   * One round: what it tries, and when, follows from the seed.
   * @param stop somebody wants it to end: it throws soon.
   * @returns what was seen, in a few words.
   */
  round(seed: number, stop: AbortSignal): Promise<string>;
}
