/** Documents as servers have them pass the limits, whatever is in their texts; those that would hold up the event loop do not. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isQuickToParse } from "../../core/json-limits.ts";

const quickToParse = (document: unknown) => isQuickToParse(Buffer.from(JSON.stringify(document)));
const times = <T>(most: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: most }, (_, n) => make(n));

test("whatever is written in a text counts as a text", () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: "large", stringUnit: "binary" }), (document) => {
      expect(quickToParse(document)).toBe(true);
    }),
  );
  expect(quickToParse({ text: '[{"\\":,'.repeat(200_000) })).toBe(true);
});

test("fifty thousand peers in good form are read", () => {
  const at = "2026-11-23T00:00:00Z";
  const peer = (id: number) => ({
    id,
    domain: `${id}.example`,
    published: at,
    federation_state: { fail_count: id % 2 },
  });
  expect(quickToParse({ federated_instances: { linked: times(50_000, peer) } })).toBe(true);
});

/** A few more than are let through: hashes of 32 bits, made anew by each process, may take two names for one. */
const tooManyNames = 10_100;

test.each([
  ["lists nested deeply", `${"[".repeat(101)}${"]".repeat(101)}`],
  ["objects nested deeply", `${'{"a":'.repeat(101)}1${"}".repeat(101)}`],
  ["many empty objects", `[${times(60_000, () => "{}")}]`],
  ["many numbers", `[${times(120_000, () => 1)}]`],
  ["many names", JSON.stringify(Object.fromEntries(times(tooManyNames, (n) => [`n${n}`, n])))],
  ["many objects with different names", JSON.stringify(times(tooManyNames, (n) => ({ [`n${n}`]: n })))],
  ["the same names in many orders", JSON.stringify(times(10_001, (n) => ({ [n % 101]: 1, [`x${n % 103}`]: 1, y: 1 })))],
])("%s are not", (_what, body) => {
  expect(isQuickToParse(Buffer.from(body))).toBe(false);
});

test("what is no JSON is left to its reader", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expect(isQuickToParse(bytes)).toBe(true);
    }),
  );
});
