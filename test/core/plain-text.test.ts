import fc from "fast-check";
import { expect, test } from "vitest";
import { plainLines, plainText } from "../../core/plain-text.ts";

test("a terminal escape, a bell and a line break do not get through", () => {
  expect(plainText("\u001b[31mred\u001b[0m\u0007 alert\r\nsecond line\u0000", 100)).toBe("red alert second line");
});

test("text cannot be turned around or hidden", () => {
  expect(plainText("safe\u202Egnp.exe\u2066\u200B\u200D\uFEFF\u{E0041}", 100)).toBe("safegnp.exe");
});

test("spaces with something invisible between them are one space", () => {
  expect(plainText("a \u200B \u2066\u00A0b", 100)).toBe("a b");
});

test("half a character becomes a visible mark, and a cut never makes one", () => {
  expect(plainText("a\uD83Db", 10)).toBe("a\uFFFDb");
  expect(plainText("1234😀", 5)).toBe("1234…");
  expect(plainText("123e\u0301x", 5)).toBe("123…");
});

test("a tower of accents is torn down", () => {
  expect(plainText(`a${"\u0301".repeat(500)}`, 600).length).toBeLessThan(5);
});

test("evidence keeps its lines and nothing else that moves the cursor", () => {
  expect(plainLines("one\r\ntwo\u001b[2J\n\tthree\rfour", 100)).toBe("one\ntwo\nthree four");
});

test("a megabyte of escapes is cut without reading it all", () => {
  expect(plainText(`${"\u001b[1m".repeat(300_000)}x`, 20).length).toBeLessThanOrEqual(20);
});

test("whatever comes in, what goes out is short, printable and well formed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 1, max: 80 }), (strangers, most) => {
      const text = plainText(strangers, most);
      expect(text.length).toBeLessThanOrEqual(most);
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(plainText(text, most)).toBe(text);
    }),
  );
});
