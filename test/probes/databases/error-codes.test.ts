/** What a database refuses with, in words, and that the runbook says the same of the same codes. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mysqlErrorInWords, sqlStateInWords } from "../../../probes/databases/error-codes.ts";

test.each([
  ["55000", "takes no connections to this database (SQLSTATE 55000)"],
  ["53100", "has no room left on its disk (SQLSTATE 53100)"],
  ["53999", "has no memory, disk or other resource left (SQLSTATE 53999)"],
  ["XX000", "has an error inside (SQLSTATE XX000)"],
  ["42P01", "answered with an error (SQLSTATE 42P01)"],
])(
  "SQLSTATE %s is said in words, its own or those of its class, with the code for whoever looks it up",
  (code, words) => {
    expect(sqlStateInWords(code)).toBe(words);
  },
);

test.each(["", "5500", "55000; DROP", "__proto__", "constructor", "toStr"])(
  "%j is no code, and is not passed on",
  (no) => {
    expect(sqlStateInWords(no)).toBe("answered with an error");
  },
);

test("MySQL's numbers are said in words, and one that we do not know is said as it is", () => {
  expect(mysqlErrorInWords(1021)).toBe("has no room left on its disk (error 1021)");
  expect(mysqlErrorInWords(4242)).toBe("answered with an error (error 4242)");
});

test("the runbook has the words of each code that it explains", () => {
  const page = readFileSync(new URL("../../../docs/runbooks/database.md", import.meta.url), "utf8");
  // 53300 and 1040 have a sentence and runbooks of their own.
  const rows = [...page.matchAll(/^\| (`.*?) +\| ((?:[\dA-Z]{4,5}(?:, |: ))+)/gm)].flatMap(
    ([, said = "", codes = ""]) =>
      [...codes.matchAll(/\w+/g)].map(([code]) => ({
        code,
        said: [...said.matchAll(/`([^`]+)`/g)].map(([, one = ""]) => one),
      })),
  );
  expect(rows.map(({ code }) => code)).toEqual(expect.arrayContaining(["55000", "53100", "1021", "XX002"]));
  for (const { code, said } of rows.filter(({ code }) => code !== "53300" && code !== "1040")) {
    const words = code.length === 5 ? sqlStateInWords(code) : mysqlErrorInWords(Number(code));
    const found = said.some((one) => one.split(" … ").every((part) => words.includes(part)));
    expect({ code, words, found }).toEqual({ code, words, found: true });
  }
});
