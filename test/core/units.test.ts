import fc from "fast-check";
import { expect, test } from "vitest";
import { formatBytes, formatDuration, formatRatio, parseBytes, parseDuration, parseRatio } from "../../core/units.ts";

test.each([
  ["30s", 30],
  ["500ms", 0.5],
  ["5m", 300],
  ["2h", 7200],
  ["30d", 2_592_000],
  ["1.5h", 5400],
  ["1h 30m", 5400],
  ["1h30m", 5400],
  [" 0m ", 0],
  ["0.1s", 0.1],
])("%s is %d seconds", (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(["", "30", "s", "30 seconds", "-5m", "5 M", "1e3s", "5m later", "٣s", `${"1s".repeat(40)}`])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("a printed duration is read as the same time", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 * 86_400_000 }), (milliseconds) => {
      expect(parseDuration(formatDuration(milliseconds / 1000))).toBe(milliseconds / 1000);
    }),
  );
});

test("durations are printed short", () => {
  expect([0, 90, 3600, 2_592_000, 0.25, -90].map(formatDuration)).toEqual([
    "0s",
    "1m 30s",
    "1h",
    "30d",
    "250ms",
    "-1m 30s",
  ]);
});

test.each([
  ["100 GB", 100e9],
  ["100GB", 100e9],
  ["100 GiB", 107_374_182_400],
  ["1.5 TB", 1.5e12],
  ["512 MiB", 536_870_912],
  ["1 kB", 1000],
  ["1 KB", 1000],
  ["1 KiB", 1024],
  ["7 B", 7],
])("%s is %d bytes", (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each(["100", "100 G", "100 gb", "100 Gb", "-1 GB", "GB", "1e3 GB", "100 GB/s", "99999999 PB"])(
  "%j is no size",
  (text) => {
    expect(parseBytes(text)).toBeUndefined();
  },
);

test("sizes are printed with three digits and never as a thousand of the smaller unit", () => {
  expect([0, 999, 1000, 81_412_000_000, 100e9, 999_999_999].map((bytes) => formatBytes(bytes))).toEqual([
    "0 B",
    "999 B",
    "1 kB",
    "81.4 GB",
    "100 GB",
    "1 GB",
  ]);
  expect(formatBytes(107_374_182_400, "iec")).toBe("100 GiB");
});

test.each([
  ["99.9%", 0.999],
  ["99.95 %", 0.9995],
  ["100%", 1],
  ["0%", 0],
  ["7%", 0.07],
])("%s is exactly %d", (text, ratio) => {
  expect(parseRatio(text)).toBe(ratio);
});

test.each(["99.9", "101%", "-1%", "%", "99,9%"])("%j is no share", (text) => {
  expect(parseRatio(text)).toBeUndefined();
});

test("a share is printed with the digits it was given", () => {
  for (const text of ["99.9%", "99.95%", "7%", "0%", "100%"]) expect(formatRatio(parseRatio(text) ?? -1)).toBe(text);
});
