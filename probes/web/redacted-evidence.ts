/** Redacted evidence of answers that hold what members wrote: how the answer looked, and nothing of what is in it. */
import { z } from "zod";
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer } from "../../core/probe.ts";
import type { Secret } from "../../core/secret.ts";
import { isHtml } from "./bot-wall.ts";
import { evidenceOf } from "./http-answer.ts";

/**
 * The body is shown only where it is a web page that anybody gets; of anything else status, type and length, and where
 * it is not of the shape that was expected.
 */
export function redactedEvidence(answer: HttpAnswer, token: Secret | undefined, shape: z.ZodType): string {
  if (isHtml(answer) && !token) return evidenceOf(answer);
  const { url, status, address, headers, body, truncated } = answer;
  const type = plainText(headers.get("content-type") ?? "none", 100);
  return [
    `${plainText(`${url.origin}${url.pathname}`, 300)} answered ${status} (from ${address})`,
    `content-type: ${type}`,
    `length: ${truncated ? "more than " : ""}${body.length} bytes`,
    ...(status === 200 ? [oddPart(answer, shape)] : []),
  ].join("\n");
}

/** "0.created_at is missing or not as expected": places, whose names are ours, and no values. */
function oddPart(answer: HttpAnswer, shape: z.ZodType): string {
  const document = answer.json(z.unknown());
  if (document === undefined) return "it is not JSON, or too long to be read";
  const issue = shape.safeParse(document).error?.issues[0];
  if (!issue) return "it is of the expected shape";
  return `${issue.path.map(String).join(".") || "the whole"} is missing or not as expected`;
}
