import { expect, test } from "vitest";
import { samplesText } from "../../commands/lib/sample-text.ts";
import type { Observed } from "../../program/exceeded-thresholds.ts";

const seen = (more: Partial<Observed> = {}): Observed => ({
  target: "mastodon",
  check: "service",
  vantagePoint: "here",
  at: Temporal.Instant.from("2026-11-23T09:00:00Z"),
  durationSeconds: 0.4469,
  outcome: "degraded",
  reason: "https://social.example/api/v2/instance answered 502 and said that the server behind it does not answer",
  explanation: {
    en: "The page answers with an error, and so does everything that is made of it.",
    fr: "La page répond par une erreur, et tout ce qui en dépend aussi.",
  },
  readings: [{ metric: "http_status", value: 502, labels: { url: "https://social.example/api/v2/instance" } }],
  evidence: `GET https://social.example/api/v2/instance\n<html><body>${"x".repeat(500)}</body></html>\nserver: nginx`,
  phases: { resolve: 0.0009, connect: 0.02, tls: 0.03, processing: 0.02 },
  asked: true,
  levels: [],
  ...more,
});

const lines = (samples: readonly Observed[], width?: number) =>
  samplesText(samples, { colour: false, width }).split("\n");
/** What was said, whatever the lines it stands in. */
const flat = (text: readonly string[]) => text.map((line) => line.trim()).join(" ");

test.each([60, 100])("in %i columns no line is longer, and nothing but evidence is left out", (width) => {
  const text = lines([seen()], width);
  expect(text.filter((line) => line.length > width)).toEqual([]);
  expect(flat(text)).toContain("answered 502 and said that the server behind it does not answer");
  expect(flat(text)).toContain("et tout ce qui en dépend aussi.");
});

test("what does not fit in its line goes on below its beginning, a little further in", () => {
  const text = lines([seen()], 60);
  expect(text.slice(0, 6)).toEqual([
    "▲ degraded      mastodon/service    446.9 ms",
    "    why       https://social.example/api/v2/instance",
    "                answered 502 and said that the server behind",
    "                it does not answer",
    "    members   The page answers with an error, and so does",
    "                everything that is made of it.",
  ]);
});

test("a short reason stands beside its check", () => {
  expect(lines([seen({ reason: "answered 502" })], 60)[0]).toMatch(/446\.9 ms {2}answered 502$/);
});

test("in a pipe a reason is one line, to be searched for", () => {
  expect(lines([seen()])[0]).toMatch(/^▲ degraded .*does not answer$/);
});

test.each([60, 100, undefined])("of evidence three lines are shown, and once where the rest is (width %s)", (width) => {
  const text = lines([seen(), seen({ check: "media" })], width);
  const first = text.findIndex((line) => line.includes("evidence  "));
  expect(text[first + 2]).toMatch(/^ {14} *\S.* …$/);
  expect(text[first + 3]).toMatch(/^▲/);
  expect(text.filter((line) => line.includes("--json"))).toEqual([
    "… evidence is cut to 3 lines: --json shows all of it",
  ]);
});

test("evidence that is short is whole, and nothing is said of more", () => {
  const text = lines([seen({ evidence: "one\n\ntwo\nthree" })], 60);
  expect(flat(text)).toContain("evidence  one two three");
  expect(flat(text)).not.toContain("--json");
});

test("that this machine was busy is said once, and marked where it matters", () => {
  const text = lines([seen({ loopDelaySeconds: 0.1 }), seen(), seen({ loopDelaySeconds: 0.3 })], 60);
  expect(text.filter((line) => line.includes("~446.9 ms"))).toHaveLength(2);
  expect(text.filter((line) => line.includes("busy"))).toEqual(["~ timing unsure: this machine was busy meanwhile"]);
  expect(flat(lines([seen()], 60))).not.toMatch(/~|busy/);
});

test("a number and its unit stand in the same line", () => {
  const text = lines([seen({ phases: { resolve: 0.0235, connect: 0.0374, tls: 0.0564, processing: 0.05 } })], 60);
  expect(text.filter((line) => /^ +(?:ms|·)/.test(line))).toEqual([]);
  expect(text.join("")).not.toContain("\u00a0");
});

test("of a job that calls nothing is said that members would read", () => {
  const text = lines([seen({ asked: false, outcome: "unknown", reason: "calls are heard by `tidewatch run` only" })]);
  expect(text[0]).toMatch(/^◇ not asked .*heard by/);
  expect(flat(text)).not.toMatch(/members|membres/);
});

test("phases that are only a part of the time say whose they are", () => {
  expect(flat(lines([seen()]))).toContain("phases    first request: resolve 0.9 ms · connect 20.0 ms");
  expect(flat(lines([seen({ durationSeconds: 0.0715 })]))).toContain("phases    resolve 0.9 ms");
});

test("nothing is torn in the middle of a character", () => {
  const text = lines([seen({ reason: "🦣".repeat(100) })], 61).join("");
  expect(text.isWellFormed()).toBe(true);
});
