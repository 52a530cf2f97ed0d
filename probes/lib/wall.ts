/** Tells a bot wall from an outage: somebody who turns our monitor away may be serving members perfectly well. */
import type { HttpAnswer } from "../../core/probe.ts";

const challengeHeaders: readonly (readonly [header: string, value: RegExp, wall: string])[] = [
  ["cf-mitigated", /challenge/i, "Cloudflare asks for a browser"],
  ["x-amzn-waf-action", /challenge|captcha/i, "AWS WAF asks for a browser"],
  ["x-vercel-mitigated", /challenge|deny/i, "Vercel asks for a browser"],
];

// Only what stands on the challenge page itself: Cloudflare also adds scripts of its own to good pages.
const challengePages: readonly (readonly [mark: RegExp, wall: string])[] = [
  [/\/\.within\.website\/x\/cmd\/anubis|id="anubis_challenge"/i, "Anubis asks for a browser"],
  [/_cf_chl_opt\b|<title>Just a moment\.\.\.<\/title>/i, "Cloudflare asks for a browser"],
  [/<title>DDoS-Guard<\/title>/i, "DDoS-Guard asks for a browser"],
  [/\/\.well-known\/\.git\.gammaspectra\.live\/git\/go-away\//i, "go-away asks for a browser"],
];

const whereMarksStand = 16_384;

/** Which wall stands in front of the server, in a few words; undefined when there is none. */
export function wallOf(answer: HttpAnswer): string | undefined {
  return challengeOf(answer) ?? refusals.get(answer.status);
}

const refusals = new Map([
  [403, "the monitor is refused"],
  [429, "the monitor is asked to come less often"],
]);

/** A challenge that a browser would pass, whatever its status. */
export function challengeOf(answer: HttpAnswer): string | undefined {
  for (const [header, value, wall] of challengeHeaders) {
    if (value.test(answer.headers.get(header) ?? "")) return wall;
  }
  if (!isHtml(answer)) return undefined;
  const beginning = Buffer.from(answer.body.subarray(0, whereMarksStand)).toString("latin1");
  return challengePages.find(([mark]) => mark.test(beginning))?.[1];
}

export const isHtml = (answer: HttpAnswer): boolean => mediaType(answer) === "text/html";

/** "text/html", without parameters and in small letters; empty when the answer does not say. */
export const mediaType = (answer: HttpAnswer): string =>
  (answer.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
