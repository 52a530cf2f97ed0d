/** A picture or a sound in its storage: what its answer says about the file, and about the storage. */
import type { HttpAnswer } from "../../core/probe.ts";
import type { Silence } from "./patience.ts";
import { challengeOf, isHtml } from "./wall.ts";

/** What is wrong, in a few words; `whole` when it is the storage and not this one file. */
export interface StorageTrouble {
  readonly said: string;
  readonly whole: boolean;
}

/**
 * A storage that refuses is down. One that sends us in circles, or into a private network, does something; and of one
 * that we have stopped waiting for nobody knows more than that it is slow.
 */
export const silentOutcome = ({ failure }: Silence): "down" | "degraded" =>
  !failure || failure.stage === "protocol" ? "degraded" : "down";

/** Undefined when the file is there, and "nothing known" when only we are turned away. */
export function storageTrouble(answer: HttpAnswer): StorageTrouble | "nothing known" | undefined {
  const { status } = answer;
  if (status === 401 || status === 429 || challengeOf(answer)) return "nothing known";
  if (status >= 500) return { said: `answered ${status}`, whole: true };
  if (status >= 400 && /<Code>NoSuchBucket<\/Code>/.test(answer.text())) {
    return { said: "is gone with its whole storage bucket", whole: true };
  }
  if (status !== 200 && status !== 206) return { said: `answered ${status}`, whole: false };
  return isHtml(answer) ? { said: "is a web page", whole: false } : undefined;
}
