/** The parsers of hostile bytes, given anything (fuzz): they throw what they document or nothing, and never hang. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { verifyToken } from "../../core/action-token.ts";
import { ByteReader, ByteWriter } from "../../core/binary-encoding.ts";
import { countOf, merge, percentile } from "../../core/histogram.ts";
import { plainLines, plainText } from "../../core/plain-text.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { formatDuration, parseBytes, parseDuration, parseRatio } from "../../core/units.ts";
import { readFeed } from "../../probes/castopod/feed.ts";
import { readAtom } from "../../probes/fediverse/atom.ts";
import { askInstance, askInstanceVersion1 } from "../../probes/fediverse/instance.ts";
import { askNodeInfo } from "../../probes/fediverse/nodeinfo.ts";
import { parseHandle } from "../../probes/fediverse/webfinger.ts";
import { readNumber, samplesOf } from "../../probes/lib/prometheus-text.ts";
import { enqueuedAt } from "../../probes/queues/sidekiq-latency.ts";
import { rubyTime } from "../../probes/queues/sidekiq-timestamps.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { workedMs } from "../helpers/own-time.ts";

const now = Temporal.Instant.from("2026-11-23T12:00:00Z");
const strangers = fc.string({ unit: "binary", maxLength: 400 });

/** Texts that begin to look right: the pieces of a language in any order, with noise between them. */
const madeOf = (...pieces: readonly string[]) =>
  fc
    .array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: strangers }), {
      maxLength: 60,
    })
    .map((parts) => parts.join(""));

/** One piece so often that whatever takes the square of its length takes minutes. */
const floodOf = (...pieces: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...pieces), fc.constantFrom(...pieces), fc.constantFrom(...pieces, ""))
    .map(([first, again, last]) => first + again.repeat(Math.ceil(250_000 / Math.max(1, again.length))) + last);

/** A text takes no longer than a page may, however it is made; what others do with the cores meanwhile is not counted. */
function inTime(work: () => unknown): void {
  const before = workedMs();
  work();
  expect(workedMs() - before).toBeLessThan(2500);
}

const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

describe("plain text", () => {
  const nasty = fc.oneof(
    strangers,
    madeOf("\u001b[2J", "\u009b1m", "\u202e", "\u2066", "\u200d", "\ud800", "\udc00", "e\u0301\u0302\u0303\u0304", " "),
    madeOf("\u001b]8;;http://a\u0007", "\u001b\\", "\r", "\n", "\u2028", "\ufeff", "\u00ad", "\u3164", "👩‍🚀", "a"),
  );

  test("is printable, short, and stays as it is when it is made plain again", () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 1, max: 200 }), (text, most) => {
        const plain = plainText(text, most);
        expect(plain).not.toMatch(invisible);
        expect(plain.length).toBeLessThanOrEqual(most);
        expect(plain.isWellFormed()).toBe(true);
        expect(plainText(plain, most)).toBe(plain);
      }),
      { numRuns: 2000 },
    );
  });

  test("of several lines is the same, line by line", () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 1, max: 200 }), (text, most) => {
        const plain = plainLines(text, most);
        for (const line of plain.split("\n")) expect(line).not.toMatch(invisible);
        expect(plain.length).toBeLessThanOrEqual(most);
        expect(plainLines(plain, most)).toBe(plain);
      }),
      { numRuns: 2000 },
    );
  });

  test("takes no longer for a flood", () => {
    fc.assert(
      fc.property(floodOf("\u001b", "\u001b[", ";", "\u0301", "\u009b", " ", "\u001b]8;;", "a"), (text) => {
        // Evidence is the longest text there is.
        inTime(() => plainText(text, 2000));
      }),
      { numRuns: 30 },
    );
  });
});

describe("feeds", () => {
  const pieces = [
    ..."<?xml version='1.0'?>|<rss>|<rss version='2.0'>|</rss>|<channel>|</channel>|<item>|</item>|<title>|</title>".split(
      "|",
    ),
    ..."<![CDATA[|]]>|<!--|-->|&amp;|&#x0;|&lol;|<!DOCTYPE a [|<!ENTITY a 'b'>|]>|<enclosure url='http://a/' length='1e99'/>".split(
      "|",
    ),
    ..."<enclosure>|</enclosure>|<pubDate>+275760-09-14</pubDate>|<pubDate>Mon, 23 Nov 2026 01:00:00 GMT</pubDate>".split(
      "|",
    ),
    ..."<__proto__>|</__proto__>|<constructor/>|<podcast:guid>a</podcast:guid>|<atom:link rel='self' href='/'/>|<|>|\"|'".split(
      "|",
    ),
  ];

  test("are read or refused", () => {
    fc.assert(
      fc.property(madeOf(...pieces), fc.boolean(), (xml, truncated) => {
        const feed = readFeed(`<rss><channel>${xml}`, new URL("https://a.example/feed"), truncated, now);
        expect(feed.faults.length).toBeLessThanOrEqual(3);
        for (const { title } of feed.episodes) expect(title).not.toMatch(invisible);
        readFeed(xml, new URL("https://a.example/feed"), truncated, now);
        readAtom(xml);
        readAtom(`<feed>${xml}`);
      }),
      { numRuns: 1000 },
    );
  });

  test("take no longer for a flood", () => {
    const flood = floodOf(
      ...pieces,
      "<rss><channel>",
      "<feed>",
      "<entry><updated>",
      "<img ",
      ' src="',
      "a='b' ",
      "<a>",
    );
    fc.assert(
      fc.property(flood, (xml) => {
        inTime(() => readFeed(`<rss><channel>${xml}`, new URL("https://a.example/"), true, now));
        inTime(() => readAtom(`<feed><entry><updated>2026-11-23</updated>${xml}`));
      }),
      { numRuns: 15 },
    );
  });
});

describe("documents of servers", () => {
  const known =
    "domain uri version urls configuration thumbnail contact contact_account account username avatar links rel href software name __proto__ constructor streaming".split(
      " ",
    );
  const document = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "medium", withCrossShrink: true },
      fc.constantFrom<unknown>(
        null,
        true,
        1e308,
        -0,
        "",
        "4.5.15",
        "https://a.example/nodeinfo/2.0",
        "http://nodeinfo.diaspora.software/ns/schema/2.0",
      ),
      strangers,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...known), tie("value"), { maxKeys: 12 }),
    ),
  })).value;
  const said = fc.oneof(
    document.map((value) => JSON.stringify(value) ?? ""),
    strangers,
  );
  const subject = { en: "A", fr: "A" };

  test("are read, or are problems that can be shown", async () => {
    await fc.assert(
      fc.asyncProperty(said, fc.constantFrom(200, 401, 404, 410, 503), async (body, status) => {
        const context = answering(body, status);
        const origin = new URL("https://a.example");
        await askInstance(origin, subject, context);
        await askInstanceVersion1(origin, subject, context);
        const { software } = await askNodeInfo(origin, subject, context);
        expect(`${software?.name}${software?.version}`).not.toMatch(invisible);
      }),
      { numRuns: 500 },
    );
  });

  test("of Sidekiq are moments or nothing", () => {
    fc.assert(
      fc.property(fc.oneof(said, fc.json(), madeOf('{"enqueued_at":', "1e999", "-1", "}", "[", "null")), (job) => {
        expect([undefined, "number"]).toContain(typeof enqueuedAt(job) === "number" ? "number" : enqueuedAt(job));
        const at = enqueuedAt(job);
        if (at !== undefined) expect(at).toBeGreaterThan(0);
      }),
    );
    fc.assert(
      fc.property(
        madeOf("2026-11-23", " ", "T", "01:10:00", "25:61:61", ".5", "UTC", "Z", "+9999", "+01:00"),
        (text) => {
          const at = rubyTime(text);
          if (at !== undefined) expect(Number.isFinite(at)).toBe(true);
        },
      ),
    );
  });

  test("that name a handle name a host, or are none", () => {
    fc.assert(
      fc.property(fc.oneof(strangers, madeOf("acct:", "@", "a", ".", ":", "99999", "xn--", "[", "é")), (text) => {
        const found = parseHandle(text);
        if (found) expect(URL.canParse(`https://${found.domain}/`)).toBe(true);
      }),
    );
  });
});

describe("what exporters say", () => {
  const pieces = [
    "up",
    "{",
    "}",
    'a="',
    '"',
    "\\",
    "=",
    ",",
    " ",
    "1",
    "NaN",
    "+Inf",
    "\n",
    "# TYPE up gauge\n",
    "1e999",
    "__proto__",
  ];

  test("is samples or nothing", () => {
    fc.assert(
      fc.property(madeOf(...pieces), (text) => {
        for (const { value, labels } of samplesOf(text, "up") ?? []) {
          expect(typeof value).toBe("number");
          expect(Object.values(labels).every((label) => typeof label === "string")).toBe(true);
        }
        readNumber(text);
      }),
      { numRuns: 2000 },
    );
  });

  test("a quarter of a million digits that are no number in the end are soon refused", () => {
    inTime(() => expect(readNumber(`${"1".repeat(250_000)}up`)).toBeUndefined());
    inTime(() => expect(readNumber(`1.${"1".repeat(250_000)}up`)).toBeUndefined());
  });

  test("takes no longer for a flood", () => {
    fc.assert(
      fc.property(floodOf(...pieces, 'up{a="', 'a="b",', '\\"', "} "), (text) => {
        inTime(() => samplesOf(text, "up"));
        inTime(() => readNumber(text));
      }),
      { numRuns: 40 },
    );
  });
});

describe("what people and programs write", () => {
  test("durations, sizes and shares are numbers in their range, or nothing", () => {
    const text = fc.oneof(
      strangers,
      madeOf("1", ".", "9".repeat(15), " ", "s", "ms", "h", "GB", "KiB", "%", "-", "e9"),
    );
    fc.assert(
      fc.property(text, (written) => {
        const seconds = parseDuration(written);
        if (seconds !== undefined) {
          expect(Number.isFinite(seconds) && seconds >= 0).toBe(true);
          if (seconds < 1e9) expect(parseDuration(formatDuration(seconds))).toBe(seconds);
        }
        expect(Number.isSafeInteger(parseBytes(written) ?? 0)).toBe(true);
        const share = parseRatio(written) ?? 0;
        expect(share >= 0 && share <= 1).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("a token that nobody signed is refused", () => {
    const key = new Uint8Array(32).fill(7);
    fc.assert(
      fc.property(fc.oneof(strangers, madeOf("0123abcd", ".", "A".repeat(43), "e30", "=")), (text) => {
        expect(verifyToken(text, [key], now).ok).toBe(false);
      }),
    );
  });
});

describe("kept bytes", () => {
  test("numbers come back as they went in", () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), fc.string({ unit: "binary" }), (numbers, text) => {
        const writer = new ByteWriter();
        for (const number of numbers) writer.varint(number);
        writer.text(text.toWellFormed());
        const reader = new ByteReader(writer.finish());
        expect(numbers.map(() => reader.varint())).toEqual(numbers);
        // The decoder takes a mark at the beginning for what it is.
        expect(reader.text()).toBe(text.toWellFormed().replace(/^\ufeff/, ""));
        expect(reader.finished).toBe(true);
      }),
    );
  });

  test("broken ones are read, or told to be too short, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const read of [
          () => percentile(bytes, 0.95),
          () => countOf(bytes),
          () => merge([bytes]),
          () => new ByteReader(bytes).text(),
          () => new ByteReader(bytes).signed(),
          () => new ByteReader(bytes).double(),
        ]) {
          try {
            inTime(read);
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** A server that says this to everything; only the shape of its documents is on trial here. */
function answering(body: string, status: number): ProbeContext {
  const answer = (url: URL): HttpAnswer => ({
    url,
    status,
    headers: new Headers({ "content-type": "application/json" }),
    body: Buffer.from(body),
    truncated: false,
    text: () => body,
    json: (schema) => schema.safeParse(safeJson(body)).data,
    phases: {},
    address: "192.0.2.1",
    family: 4,
    redirects: [],
  });
  return {
    signal: new AbortController().signal,
    clock: new FakeClock(),
    http: { get: async (url) => answer(new URL(url)) },
    net: { converse: () => Promise.reject(new Error("not asked here")) },
    memory: new Map(),
  };
}

function safeJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
