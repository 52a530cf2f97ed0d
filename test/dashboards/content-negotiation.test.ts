import { expect, test } from "vitest";
import { chooseEncoding, chooseLanguage } from "../../dashboards/content-negotiation.ts";

test.each([
  ["gzip, deflate, br, zstd", "br"],
  ["gzip, deflate, br", "br"],
  ["gzip;q=1.0, br;q=0.5", "gzip"],
  ["GZIP", "gzip"],
  ["zstd;q=0.9, gzip;q=0.9", "zstd"],
  ["br;q=0, gzip", "gzip"],
  ["deflate", "identity"],
  ["identity", "identity"],
  ["identity;q=1, br;q=0.1", "identity"],
  ["*", "br"],
  ["*;q=0", "identity"],
  ["gzip;q=nonsense;;;,,", "gzip"],
  ["", "identity"],
  [undefined, "identity"],
] as const)("a browser that sends %j gets %s", (header, encoding) => {
  expect(chooseEncoding(header)).toBe(encoding);
});

test.each([
  ["fr-CA,fr;q=0.9,en;q=0.8", "fr"],
  ["en-CA, fr;q=0.3", "en"],
  ["de, fr;q=0.5, en;q=0.4", "fr"],
  ["FR-ca", "fr"],
  ["fr;q=0, en;q=0.1", "en"],
  ["de", "en"],
  ["*", "en"],
  ["", "en"],
  [undefined, "en"],
] as const)("a visitor whose browser says %j reads %s", (header, language) => {
  expect(chooseLanguage(header, ["en", "fr"])).toBe(language);
});

test("the first language of the organisation is for those who speak none of them", () => {
  expect(chooseLanguage("de", ["fr", "en"])).toBe("fr");
  expect(chooseLanguage("en", ["fr"])).toBe("fr");
});

test("endless and ever new headers neither break nor fill the memory", () => {
  for (let round = 0; round < 1000; round++) chooseEncoding(`gzip, x${round}`);
  expect(chooseEncoding(`gzip,${"x".repeat(100_000)}`)).toBe("gzip");
});
