/** Keeps what we were trusted with out of what we show: a server may repeat the token it was sent. */
import type { Secret } from "../../core/secret.ts";
import type { Problem } from "./problem.ts";

export function without(token: Secret | undefined, problem: Problem): Problem {
  const word = token?.reveal().trim();
  if (!word || word.length < 6) return problem;
  const clean = (text: string) => text.replaceAll(word, "[secret]");
  return { ...problem, reason: clean(problem.reason), ...(problem.evidence && { evidence: clean(problem.evidence) }) };
}

/** As a header; undefined where there is no token. */
export const bearer = (token: Secret | undefined): Readonly<Record<string, string>> =>
  token ? { authorization: `Bearer ${token.reveal().trim()}` } : {};
