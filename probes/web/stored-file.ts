/** A picture or an audio file in its storage (an S3 bucket, say): what its answer says about the file, and about the storage. */
import type { Localised } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer } from "../../core/probe.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import type { NoAnswer } from "../lib/time-limit.ts";
import { challengeOf, isHtml } from "./bot-wall.ts";
import { evidenceOf } from "./http-answer.ts";

/** What is wrong, in a few words; `whole` when it is the storage and not this one file. */
export interface StorageTrouble {
  readonly said: string;
  readonly whole: boolean;
}

/**
 * A storage that cannot be reached is down; one that redirects in circles, or into a private network, still answers,
 * and so does one that is only slow.
 */
const outcomeWithoutAnswer = ({ failure }: NoAnswer): "down" | "degraded" =>
  failure === undefined || failure.stage === "protocol" ? "degraded" : "down";

/** What members notice of it. */
interface Noticed {
  readonly gone: Localised;
  readonly slow: Localised;
}

/** @param asked names the file. */
export function fileWithoutAnswer(heard: NoAnswer, asked: string, { gone, slow }: Noticed): Problem {
  const explanation = heard.failure ? gone : slow;
  return {
    outcome: outcomeWithoutAnswer(heard),
    reason: `${asked}: ${heard.reason}`,
    explanation,
    evidence: heard.evidence,
  };
}

export function troubledFile(
  { said, whole }: StorageTrouble,
  asked: string,
  gone: Localised,
  evidence: string,
): Problem {
  return { outcome: whole ? "down" : "degraded", reason: `${asked} ${said}`, explanation: gone, evidence };
}

export function slowFile(answer: HttpAnswer, asked: string, maxSeconds: number, slow: Localised): readonly Problem[] {
  const took = answer.phases.total ?? 0;
  if (took <= maxSeconds) return [];
  return [degradation(`${asked} took ${took.toFixed(1)} s, more than ${maxSeconds} s`, slow, evidenceOf(answer))];
}

/** Undefined when the file is there, and "nothing known" when only we are turned away. */
export function storageTrouble(answer: HttpAnswer): StorageTrouble | "nothing known" | undefined {
  const { status } = answer;
  if (status === 401 || status === 429 || challengeOf(answer)) return "nothing known";
  if (status >= 500) return { said: `answered ${status}`, whole: true };
  const refusal = status >= 400 ? storageError(answer) : undefined;
  if (refusal === "NoSuchBucket") return { said: "is gone with its whole storage bucket", whole: true };
  // One file that is missing is refused in the same way where the storage does not show what it has.
  if (refusal !== undefined) return { said: `is refused by its storage: ${refusal} (${status})`, whole: false };
  if (status !== 200 && status !== 206) return { said: `answered ${status}`, whole: false };
  return isHtml(answer) ? { said: "is a web page", whole: false } : undefined;
}

/** The word that S3 and its relatives have for it; that a key is missing says no more than the status. */
function storageError(answer: HttpAnswer): string | undefined {
  const [, code = "NoSuchKey"] = /<Error>.*?<Code>(\w{1,60})<\/Code>/s.exec(answer.text().slice(0, 4096)) ?? [];
  return code === "NoSuchKey" ? undefined : plainText(code, 60);
}
