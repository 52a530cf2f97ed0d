/** Redaction: keeps tokens and passwords out of what we show, because a server may repeat what it was sent. */
import type { Secret } from "../../core/secret.ts";
import type { Problem } from "./problem.ts";

/** A shorter secret would be found inside ordinary words. */
const shortestSecret = 6;

/** @param secrets longer ones first, where one holds another. */
export function redacted(problem: Problem, secrets: readonly string[]): Problem {
  const words = secrets.filter((word) => word.length >= shortestSecret);
  const clean = (text: string) => words.reduce((shown, word) => shown.replaceAll(word, "[secret]"), text);
  return { ...problem, reason: clean(problem.reason), ...(problem.evidence && { evidence: clean(problem.evidence) }) };
}

export const withoutToken = (problem: Problem, token: Secret | undefined): Problem =>
  redacted(problem, token ? [token.reveal().trim()] : []);

/** As a header; undefined where there is no token. */
export const bearer = (token: Secret | undefined): Readonly<Record<string, string>> =>
  token ? { authorization: `Bearer ${token.reveal().trim()}` } : {};
