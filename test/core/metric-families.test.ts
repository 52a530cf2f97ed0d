import { expect, test } from "vitest";
import { Refused } from "../../core/errors.ts";
import { commonFamilies, counter, gauge, readingFamilies, unexported } from "../../core/metric-families.ts";

const names = (probes: Parameters<typeof readingFamilies>[0]) =>
  readingFamilies(probes)
    .map(({ name }) => name)
    .slice(commonFamilies.length);

test("what several probes declare stands once, in the order in which each of them has it", () => {
  const [jobs, busy, dead, age] = ["queue_jobs", "queue_busy_jobs", "queue_dead_jobs", "queue_age_seconds"].map(
    (name) => gauge(name, "x"),
  );
  if (!jobs || !busy || !dead || !age) throw new Error("four families");
  const probes = { a: { readings: [jobs, dead] }, b: { readings: [jobs, busy, dead, age] }, c: {} };
  expect(names(probes)).toEqual(["queue_jobs", "queue_busy_jobs", "queue_dead_jobs", "queue_age_seconds"]);
  expect(names({ b: probes.b, a: probes.a })).toEqual(names(probes));
});

test("a subject that nobody had before comes after those that /metrics always had", () => {
  const probes = { a: { readings: [gauge("aquarium_fish", "x"), gauge("storage_used_bytes", "x")] } };
  expect(names(probes)).toEqual(["storage_used_bytes", "aquarium_fish"]);
});

test.each([
  ["type", counter("a_total", "How many.")],
  ["help", gauge("a_total", "How much.")],
  ["labels", gauge("a_total", "How many.", ["queue"])],
  ["exported", unexported("a_total", "How many.")],
  ["type and labels", counter("a_total", "How many.", ["queue"])],
])("two probes that declare one metric with other %s are refused", (differing, another) => {
  const probes = { one: { readings: [gauge("a_total", "How many.")] }, two: { readings: [another] } };
  const attempt = () => readingFamilies(probes);
  expect(attempt).toThrow(Refused);
  expect(attempt).toThrow(`probes/two.ts declares the metric a_total with other ${differing} than probes/one.ts.`);
});

test("nor may a probe mean something else by what the collector reads itself", () => {
  const probes = { one: { readings: [gauge("certificate_expiry_timestamp_seconds", "When we renew.", ["check"])] } };
  expect(() => readingFamilies(probes)).toThrow("with other help than core/metric-families.ts");
});
