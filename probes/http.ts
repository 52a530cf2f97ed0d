/**
 * The http probe: asks for a web page and compares status, text, redirects, speed and certificate with what they
 * should be.
 */
import { z } from "zod";
import { secret, webAddress } from "../core/config/settings.ts";
import type { Localised } from "../core/language.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type HttpAnswer, type HttpRequest } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import { Secret } from "../core/secret.ts";
import {
  certificateAuthority,
  certificateMetrics,
  certificateNote,
  certificateReadings,
  certificateThresholds,
} from "./lib/certificate.ts";
import * as explanation from "./lib/explanation.ts";
import { findingOf, type Problem } from "./lib/problem.ts";
import { redacted } from "./lib/redaction.ts";
import { challengeOf, mediaType } from "./web/bot-wall.ts";
import { evidenceOf, refusalOf } from "./web/http-answer.ts";
import { slowness } from "./web/server-health.ts";

const status = z.int().min(100).max(599);

const Expectation = z
  .strictObject({
    status: z
      .union([status, z.array(status).min(1)])
      .prefault(200)
      .describe("The status that is right, or a list of them."),
    host: z
      .string()
      .max(253)
      .optional()
      .describe("Host that answers in the end, where redirects lead away from that of `url` on purpose."),
    contains: z
      .string()
      .min(1)
      .max(1000)
      .optional()
      .describe("Text that must stand in the answer, as it is written there."),
    notContains: z.string().min(1).max(1000).optional().describe("Text that must not stand in the answer."),
    contentType: z.string().min(1).max(200).optional().describe("What kind of answer it must be, such as `text/html`."),
    maxSeconds: z
      .number()
      .positive()
      .max(300)
      .optional()
      .describe("An answer that takes longer than this many seconds is degraded."),
    certificateDays: z
      .number()
      .min(0)
      .max(365)
      .prefault(21)
      .describe("A certificate that ends within this many days is a ticket; in the last 3 somebody is woken."),
  })
  .prefault({});

const options = z.strictObject({
  url: webAddress().describe("Address of the page."),
  method: z.enum(["GET", "HEAD", "POST"]).prefault("GET").describe("How to ask. HEAD gets no text."),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^`|~\w-]{1,100}$/, { error: "this is not the name of a header" }),
      z.union([headerValue(), secret()]),
    )
    .prefault({})
    .describe("Headers to send along; a value may be a secret: `{ env: NAME }` or `{ file: PATH }`."),
  followRedirects: z.int().min(0).max(10).prefault(0).describe("How many redirects may be followed."),
  family: z
    .union([z.literal(4), z.literal(6)])
    .optional()
    .describe("Ask over IPv4 (4) or IPv6 (6) only; without it, over whichever answers first."),
  ca: certificateAuthority(),
  expect: Expectation.describe("What the answer must be like."),
});
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Asks for a web page and looks at its status, text, speed and certificate.",
  readings: certificateMetrics,
  options,
  example: { url: "https://social.example/about", expect: { status: 200, contains: "About", maxSeconds: 3 } },

  thresholds: ({ url, expect }) => (url.startsWith("https:") ? certificateThresholds(expect.certificateDays) : []),

  async run(settings, { http, clock }) {
    const { url, expect } = settings;
    if (settings.method === "HEAD" && (expect.contains ?? expect.notContains) !== undefined) {
      return couldNotMeasure("HEAD answers have no text to look for: use GET");
    }
    const answer = await http.get(url, requestOf(settings));
    const { tls } = answer;
    const secrets = secretWords(settings.headers);
    const slow =
      expect.maxSeconds === undefined ? [] : slowness(answer, "the answer", expect.maxSeconds, explanation.thePage);
    return findingOf(
      [...fault(answer, settings), ...slow].map((problem) => redacted(problem, secrets)),
      {
        phases: answer.phases,
        note: tls && certificateNote(tls, clock.now(), expect.certificateDays),
        readings: tls ? certificateReadings(tls, clock.now(), expect.certificateDays) : [],
      },
    );
  },
});

function headerValue() {
  return z
    .string()
    .max(4000)
    .regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
      error: "a header cannot hold this text: only printable characters of Latin-1",
    });
}

function requestOf({ method, followRedirects, family, ca, headers }: Options): HttpRequest {
  const revealed = Object.entries(headers).map(([name, value]) => [
    name,
    value instanceof Secret ? value.reveal().trim() : value,
  ]);
  return {
    method,
    followRedirects,
    headers: Object.fromEntries(revealed),
    ...(family && { family }),
    ...(ca && { ca: ca.reveal() }),
  };
}

/** The secrets that went along, whole and without the "Bearer" before them: a server may repeat what it was sent. */
const secretWords = (headers: Options["headers"]): readonly string[] =>
  Object.values(headers)
    .flatMap((value) =>
      value instanceof Secret ? [value.reveal().trim(), value.reveal().trim().split(/\s+/).at(-1) ?? ""] : [],
    )
    .toSorted((a, b) => b.length - a.length);

const couldNotMeasure = (reason: string): Finding => ({
  outcome: "unknown",
  reason,
  explanation: {
    en: "We could not check: our monitor is not set up correctly.",
    fr: "Vérification impossible : notre outil de surveillance est mal réglé.",
  },
});

/** What is wrong with the answer itself: at most one thing, the one that explains the others. */
function fault(answer: HttpAnswer, { url, expect }: Options): readonly Problem[] {
  const { thePage } = explanation;
  const problem = (outcome: Problem["outcome"], reason: string, told: Localised): readonly Problem[] => [
    { outcome, reason, explanation: told, evidence: evidenceOf(answer) },
  ];
  if (![expect.status].flat().includes(answer.status)) {
    const refusal = refusalOf(answer, "the page", thePage);
    return refusal
      ? [refusal]
      : problem("down", `the page answered ${answer.status}`, explanation.answersWithError(thePage));
  }
  const host = (expect.host ?? new URL(url).hostname).toLowerCase();
  if (answer.url.hostname !== host) {
    const reason = `redirects to another host, ${plainText(answer.url.hostname, 100)}`;
    return problem("down", reason, explanation.leadsElsewhere(thePage));
  }
  const wrong = wrongText(answer, expect);
  // A challenge page has the right status and the wrong text; the right text speaks for itself.
  const wall = expect.contains === undefined || wrong !== undefined ? challengeOf(answer) : undefined;
  if (wall) return problem("unknown", `blocked: ${wall}`, explanation.couldNotCheck);
  return wrong === undefined ? [] : problem("down", wrong, explanation.showsWrongPage(thePage));
}

function wrongText(answer: HttpAnswer, expect: Options["expect"]): string | undefined {
  const { contains, notContains, contentType } = expect;
  if (contentType !== undefined && mediaType(answer) !== contentType.toLowerCase()) {
    return `the answer is ${plainText(mediaType(answer), 60) || "of no named type"}, not ${contentType}`;
  }
  if (contains === undefined && notContains === undefined) return undefined;
  const text = answer.text();
  if (contains !== undefined && !text.includes(contains)) {
    return `"${plainText(contains, 60)}" is not in the answer${answer.truncated ? `, of which ${answer.body.length} bytes were read` : ""}`;
  }
  if (notContains !== undefined && text.includes(notContains))
    return `"${plainText(notContains, 60)}" is in the answer`;
  return undefined;
}
