/** Where the real program can be made to end itself by kill -9: test/helpers/kill-at.ts does it. */

export const killPoints = [
  /** The transaction that opens an incident and writes its page is about to be committed, or just was. */
  "commit-before",
  "commit-after",
  /** A notice was claimed. */
  "claim",
  /** It is about to be handed to its channel; a copy of it was counted; it was accepted. */
  "send-before",
  "copy-counted",
  "send-after",
  /** That it was sent stands in the outbox. */
  "settle",
  /** The end of an incident and the notices about it are about to be committed, or just were. */
  "resolve-before",
  "resolve-commit",
] as const;

/** While the store cannot be written: a line of this kind stands in the fallback file. */
export const fallbackKillPoints = [
  "fallback-found",
  "fallback-telling",
  "fallback-leaving",
  "fallback-told",
  "fallback-over",
] as const;

export type KillPoint = (typeof killPoints)[number] | (typeof fallbackKillPoints)[number];
