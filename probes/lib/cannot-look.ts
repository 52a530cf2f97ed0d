/** The server is there, but we are not let in or do not understand what we see: our failure, so the outcome is `unknown`. */
import type { Finding } from "../../core/sample.ts";

export class CannotLook extends Error {
  override readonly name = "CannotLook";
  /** Plain text for whoever mends it. */
  readonly evidence: string;

  /** @param message one safe sentence that says how to mend it, without a full stop. */
  constructor(message: string, evidence = "") {
    super(message);
    this.evidence = evidence;
  }
}

/** What `look` finds; `unknown` where we could not look. */
export async function unknownUnlessSeen(look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof CannotLook)) throw error;
    return { outcome: "unknown", reason: error.message, ...(error.evidence && { evidence: error.evidence }) };
  }
}
