/** Keeps what we were trusted with out of what we show: a server may repeat the token it was sent. */
import type { Secret } from "../../core/secret.ts";
import type { Flaw } from "./problem.ts";

export function without(token: Secret | undefined, flaw: Flaw): Flaw {
  const word = token?.reveal().trim();
  if (!word || word.length < 6) return flaw;
  const clean = (text: string) => text.replaceAll(word, "[secret]");
  return { ...flaw, reason: clean(flaw.reason), ...(flaw.evidence && { evidence: clean(flaw.evidence) }) };
}

/** As a header; undefined where there is no token. */
export const bearer = (token: Secret | undefined): Readonly<Record<string, string>> =>
  token ? { authorization: `Bearer ${token.reveal().trim()}` } : {};
