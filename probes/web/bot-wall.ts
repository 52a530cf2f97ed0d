/** Bot walls and captchas: whoever turns our monitor away may be serving members perfectly well, so it is no outage. */
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
  [/<title>DDoS-Guard<\/title>|\/\.well-known\/ddos-guard\/js-challenge\b/i, "DDoS-Guard asks for a browser"],
  [/\/\.well-known\/\.git\.gammaspectra\.live\/git\/go-away\//i, "go-away asks for a browser"],
  [/id="main-iframe" src="\/_Incapsula_Resource|Incapsula incident ID/i, "Imperva asks for a browser"],
  [/\bsucuri_cloudproxy_js\b|<title>Sucuri WebSite Firewall/i, "Sucuri asks for a browser"],
  [/\/_sec\/cp_challenge\/|\bsec-if-cpt-container\b/i, "Akamai asks for a browser"],
  [/\bwindow\.gokuProps\b/, "AWS WAF asks for a browser"],
  [/\.captcha-delivery\.com\b/i, "DataDome asks for a browser"],
  [/\bid="px-captcha"/i, "PerimeterX asks for a browser"],
  // No page of a service is called so.
  [
    /<title>[^<]{0,40}(?:checking your browser|verify(?:ing)? (?:that )?you are (?:a )?human|human verification|making sure you(?:'|&#39;|’)re not a bot|security check(?:point)?\b|one moment, please|are you (?:a )?(?:human|robot)\b)/i,
    "something asks for a browser",
  ],
];

/** Good pages may hold these as well (Imperva's script does): they count only where a document was asked for, or beside a 503. */
const pleas: readonly (readonly [mark: RegExp, wall: string])[] = [
  [/\/_Incapsula_Resource\b/i, "Imperva asks for a browser"],
  [
    /(?:enable|turn on|requires?|needs?) JavaScript and cookies|checking your browser|verify(?:ing)? you are (?:a )?human/i,
    "something asks for a browser",
  ],
];

const whereMarksStand = 16_384;

/** Which bot wall stands before the server, in a few words; undefined when there is none. */
export function botWallOf(answer: HttpAnswer): string | undefined {
  return challengeOf(answer) ?? refusals.get(answer.status) ?? (answer.status === 503 ? pleaOf(answer) : undefined);
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
  return markOf(answer, challengePages);
}

/** The same where no page was asked for but a document, which no app of the server stands in for. */
export function challengeInPlaceOfDocument(answer: HttpAnswer): string | undefined {
  return challengeOf(answer) ?? pleaOf(answer);
}

const pleaOf = (answer: HttpAnswer): string | undefined => markOf(answer, pleas);

function markOf(answer: HttpAnswer, marks: typeof challengePages): string | undefined {
  if (!isHtml(answer)) return undefined;
  const beginning = Buffer.from(answer.body.subarray(0, whereMarksStand)).toString("latin1");
  return marks.find(([mark]) => mark.test(beginning))?.[1];
}

export const isHtml = (answer: HttpAnswer): boolean => mediaType(answer) === "text/html";

/** "text/html", without parameters and in small letters; empty when the answer does not say. */
export const mediaType = (answer: HttpAnswer): string =>
  (answer.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
