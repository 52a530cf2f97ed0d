/**
 * Judges an HTTP answer by its status and headers (refusals, errors, redirects, stale caches), and makes evidence of
 * it.
 */
import type { Localised } from "../../core/language.ts";
import { plainLines, plainText } from "../../core/plain-text.ts";
import type { HttpAnswer } from "../../core/probe.ts";
import * as explanation from "../lib/explanation.ts";
import type { Problem } from "../lib/problem.ts";
import { botWallOf, challengeInPlaceOfDocument } from "./bot-wall.ts";

/**
 * The problem of an answer that no service gives while it works; undefined when the status alone does not condemn it.
 * @param asked what was asked for, as it stands in a reason: "the health page".
 * @param wanted a page may say what, in place of a document, only a bot wall does.
 */
export function refusalOf(
  answer: HttpAnswer,
  asked: string,
  subject: Localised,
  wanted: "page" | "document" = "page",
): Problem | undefined {
  const evidence = evidenceOf(answer);
  const { status } = answer;
  const wall = (wanted === "document" ? challengeInPlaceOfDocument(answer) : undefined) ?? botWallOf(answer);
  if (wall) {
    return {
      outcome: "unknown",
      reason: `blocked: ${wall} (${asked} answered ${status})`,
      explanation: explanation.couldNotCheck,
      evidence,
    };
  }
  const down = (reason: string, told: Localised): Problem => ({ outcome: "down", reason, explanation: told, evidence });
  if (isMaintenance(answer)) {
    return down(`says it is under maintenance (${status}${comeBack(answer)})`, explanation.isInMaintenance(subject));
  }
  if (status >= 500) return down(`${asked} answered ${status}`, explanation.answersWithError(subject));
  if (status === 410) return down(`${asked} answered 410: closed for good`, explanation.isClosed(subject));
  if (status >= 300 && status < 400) {
    return down(`${asked} redirects to ${redirectTarget(answer)}`, explanation.leadsElsewhere(subject));
  }
  return undefined;
}

/** Maintenance mode: a 503 that says when to come back (Retry-After), or Laravel's own page for it. */
export function isMaintenance(answer: HttpAnswer): boolean {
  if (answer.status !== 503) return false;
  const page = Buffer.from(answer.body.subarray(0, 4096)).toString("latin1");
  // Varnish, and Fastly after it, ask to come back in 5 s whenever the server behind them does not answer.
  if (/Guru Medi(?:ta)?tion|Backend fetch failed/i.test(page)) return false;
  if (answer.headers.has("retry-after") || answer.headers.has("refresh")) return true;
  return (
    /maintenance|be right back|<title>\s*Service Unavailable\s*<\/title>/i.test(page) &&
    !/nginx|apache|varnish/i.test(page)
  );
}

function comeBack(answer: HttpAnswer): string {
  const after = plainText(answer.headers.get("retry-after") ?? "", 40);
  if (!after) return "";
  return /^\d{1,9}$/.test(after) ? `, asks to come back in ${after} s` : `, asks to come back at ${after}`;
}

/** Where a redirect leads, for a reason: the address without its query. */
export function redirectTarget(answer: HttpAnswer): string {
  const location = answer.headers.get("location");
  const target = location === null ? null : URL.parse(location, answer.url);
  if (!target) return "nowhere";
  // Of javascript: and the like a URL knows no origin, and "null" is what it says then.
  const start = /^https?:$/.test(target.protocol) ? target.origin : target.protocol;
  return plainText(`${start}${target.pathname}`, 100);
}

/** An nginx or CDN cache that covers for a backend that failed; undefined when it does not. */
export function cacheCovering(answer: HttpAnswer): string | undefined {
  const old = oldCopy(answer);
  return old?.endsWith("UPDATING") ? undefined : old;
}

/**
 * A cache gave what it had, older than it should be: the backend failed (STALE), or is being asked just now (UPDATING),
 * as every cache does that revalidates in the background.
 */
export function oldCopy(answer: HttpAnswer): string | undefined {
  for (const header of ["x-cached", "cf-cache-status", "x-cache-status"]) {
    const state = answer.headers.get(header)?.trim().toUpperCase();
    if (state === "STALE" || state === "UPDATING") return `${header}: ${state}`;
  }
  return undefined;
}

/** The answer as plain text for the person on call: request, address, telling headers, start of the body. */
export function evidenceOf(answer: HttpAnswer): string {
  const headers = tellingHeaders.flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [`${name}: ${plainText(value, 200)}`];
  });
  const start = plainLines(Buffer.from(answer.body.subarray(0, 1200)).toString("utf8"), 600);
  const from = `${plainText(withoutPassword(answer.url), 300)} answered ${answer.status} (from ${answer.address})`;
  return [from, ...answer.redirects.map((url) => `redirected from ${plainText(url, 300)}`), ...headers, "", start]
    .join("\n")
    .trimEnd();
}

const tellingHeaders = [
  "server",
  "content-type",
  "location",
  "retry-after",
  "x-cached",
  "cf-cache-status",
  "cf-mitigated",
  "age",
];

function withoutPassword(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href;
}
