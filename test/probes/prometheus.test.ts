/** The prometheus probe: real exporters' text, answers of a Prometheus server, and what is neither. */
import fc from "fast-check";
import { Gauge, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { readSettings } from "../../core/config/faults.ts";
import { Secret } from "../../core/secret.ts";
import { samplesOf } from "../../probes/lib/prometheus-text.ts";
import probe from "../../probes/prometheus.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { asJson, smallServer } from "../helpers/small-server.ts";

const streaming = `# HELP connected_clients The number of clients this server is streaming to
# TYPE connected_clients gauge
connected_clients{type="websocket"} 41
connected_clients{type="eventsource"} 2
connected_clients_of_another_kind 99
# TYPE messages_sent_total counter
messages_sent_total{type="websocket"} 1.5e+03 1700000000000
odd{path="C:\\\\a \\"b\\" {c}\\nd",} NaN
huge +Inf
broken{type="x 1
`;

const exporter = (body: string) =>
  smallServer({ "/metrics": { body, headers: { "content-type": "text/plain; version=0.0.4" } } });

async function look(body: string, value: object, more: object = {}) {
  await using server = await exporter(body);
  return await runProbe(probe, { url: `${server.url}/metrics`, values: [{ name: "it", ...value }], ...more });
}

const readings = (sample: Awaited<ReturnType<typeof look>>) => sample.readings?.map(({ value }) => value);

test.each([
  [{ metric: "connected_clients" }, 43],
  [{ metric: "connected_clients", labels: { type: "websocket" } }, 41],
  [{ metric: "connected_clients", combine: "max" }, 41],
  [{ metric: "connected_clients", combine: "min" }, 2],
  [{ metric: "connected_clients", combine: "average" }, 21.5],
  [{ metric: "messages_sent_total" }, 1500],
  [{ metric: "nothing", missing: "zero" }, 0],
])("%j is %d", async (value, expected) => {
  const sample = await look(streaming, value);
  expect(sample).toMatchObject({ outcome: "up" });
  expect(sample.readings).toEqual([{ metric: "prometheus_value", value: expected, labels: { name: "it" } }]);
});

test("a value that is missing or no number is what the configuration says it is", async () => {
  for (const missing of ["degraded", "down", "unknown"]) {
    expect(await look(streaming, { metric: "nothing", missing })).toMatchObject({
      outcome: missing,
      reason: "there is no it in the answer",
    });
  }
  for (const notANumber of ["degraded", "down", "unknown"]) {
    expect(await look(streaming, { metric: "odd", notANumber })).toMatchObject({
      outcome: notANumber,
      reason: "it is not a number at present",
    });
  }
  expect(readings(await look(streaming, { metric: "odd", notANumber: "zero" }))).toEqual([0]);
  expect(await look(streaming, { metric: "broken" })).toMatchObject({ outcome: "degraded" });
});

test("infinity is written out by some", () => {
  expect(samplesOf("m -Infinity\nm +Inf\n", "m")?.map(({ value }) => value)).toEqual([-Infinity, Infinity]);
});

test("a summary that has seen nothing for a while is noted, and wakes nobody", async () => {
  const idle = 'lag{quantile="0.5"} NaN\nlag{quantile="0.9"} NaN\n';
  const sample = await look(idle, { metric: "lag", atMost: 1 });
  expect(sample).toMatchObject({ outcome: "up", reason: "it is not a number at present" });
  expect(sample.readings ?? []).toEqual([]);
});

test.each(["sum", "max", "min", "average"])("one sample that is no number does not spoil the %s", async (combine) => {
  const sample = await look('m{q="a"} NaN\nm{q="b"} 3\n', { metric: "m", combine });
  expect(sample).toMatchObject({ outcome: "up" });
  expect(readings(sample)).toEqual([3]);
});

test.each([
  ["a blank before the labels", 'm {a="b"} 3\n'],
  ["blanks before the line", '  \tm{a="b"} 3\n'],
  ["a byte order mark", '\ufeffm{a="b"} 3\n'],
  ["a byte order mark in the middle", '# HELP m it\n\ufeffm{a="b"} 3\n'],
  ["a tab", 'm{a="b"}\t3\n'],
  ["lines that end in the manner of Windows", '# TYPE m gauge\r\nm{a="b"} 3\r\n'],
])("%s is read over", async (_what, body) => {
  expect(readings(await look(body, { metric: "m", labels: { a: "b" } }))).toEqual([3]);
});

test("bounds are told with the value, in the words that were given", async () => {
  const title = { en: "Nobody streams", fr: "Personne ne suit le direct" };
  expect(await look(streaming, { metric: "connected_clients", atLeast: 100, title })).toMatchObject({
    outcome: "degraded",
    reason: "it is 43, below 100",
    runbook: "measured-value",
    explanation: { en: "Nobody streams.", fr: "Personne ne suit le direct." },
  });
  expect(await look(streaming, { metric: "connected_clients", atMost: 10 })).toMatchObject({
    reason: "it is 43, above 10",
  });
});

test("a counter is a rate from its second look on, also when it began again", async () => {
  const [clock, memory] = [new FakeClock(), new Map<string, unknown>()];
  let count = 100;
  await using server = await smallServer({ "/metrics": () => ({ body: `sent_total ${count}\n` }) });
  const options = {
    url: `${server.url}/metrics`,
    values: [{ name: "it", metric: "sent_total", rate: true, atLeast: 1 }],
  };
  const next = async (now: number) => {
    count = now;
    await clock.turn(10);
    return runProbe(probe, options, { clock, memory });
  };
  expect((await next(100)).readings).toBeUndefined();
  expect(readings(await next(150))).toEqual([5]);
  expect(readings(await next(30))).toEqual([3]);
  expect(await next(30)).toMatchObject({ outcome: "degraded", reason: "it is 0, below 1" });
});

test("levels become thresholds that clear below where they raise", () => {
  const options = probe.options.parse({
    url: "http://a.example/metrics",
    values: [
      {
        name: "lag",
        metric: "lag_seconds",
        unit: "seconds",
        ticket: { at: 5 },
        page: { at: 60, clearAt: 30, for: "2m" },
      },
    ],
  });
  expect(probe.thresholds?.(options)).toMatchObject([
    { id: "lag-ticket", labels: { name: "lag" }, raiseAt: 5, clearAt: 4.5, raiseAfterSeconds: 300, urgency: "ticket" },
    { id: "lag-page", raiseAt: 60, clearAt: 30, raiseAfterSeconds: 120, urgency: "page", unit: "seconds" },
  ]);
});

test("a Prometheus server is asked by query, with the token", async () => {
  const vector = (result: unknown, resultType = "vector") =>
    asJson({ status: "success", data: { resultType, result } });
  await using server = await smallServer({
    "/prom/api/v1/query?query=sum%28up%29": vector([{ metric: {}, value: [1700000000.1, "7"] }]),
    "/prom/api/v1/query?query=scalar": vector([1700000000, "0.5"], "scalar"),
    "/prom/api/v1/query?query=none": vector([]),
    "/prom/api/v1/query?query=wrong": {
      ...asJson({ status: "error", errorType: "bad_data", error: "parse error" }),
      status: 400,
    },
    "/prom/api/v1/query?query=range": vector([{ metric: {}, values: [[1, "1"]] }], "matrix"),
  });
  const ask = (query: string) =>
    runProbe(probe, { url: `${server.url}/prom/`, values: [{ name: "it", query }], token: new Secret("geheim-1") });
  expect(readings(await ask("sum(up)"))).toEqual([7]);
  expect(server.lastHeaders()["authorization"]).toBe("Bearer geheim-1");
  expect(readings(await ask("scalar"))).toEqual([0.5]);
  expect(await ask("none")).toMatchObject({ outcome: "degraded", reason: "there is no it in the answer" });
  expect(await ask("wrong")).toMatchObject({
    outcome: "unknown",
    reason: "Prometheus refuses the query (parse error)",
  });
  expect(await ask("range")).toMatchObject({ outcome: "unknown", reason: "the query gives no single values" });
});

test("a page that is no exporter's is told, and so are a closed door and an error", async () => {
  expect(await look("<html><body>Welcome</body></html>", { metric: "x" })).toMatchObject({
    outcome: "down",
    reason: "the answer is not in the format of Prometheus",
  });
  for (const [status, outcome] of [
    [401, "unknown"],
    [404, "down"],
    [500, "down"],
  ] as const) {
    await using server = await smallServer({ "*": { status } });
    const sample = await runProbe(probe, { url: server.url, values: [{ name: "it", metric: "x" }] });
    expect(sample).toMatchObject({ outcome });
    expect(sample.explanation?.en).toMatch(/^We c/);
  }
});

test("what prom-client writes is read back, whatever the labels are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), fc.double({ noNaN: true }), async (label, value) => {
      const registry = new Registry();
      new Histogram({ name: "other", help: "other", registers: [registry] }).observe(1);
      new Gauge({ name: "it", help: "it", labelNames: ["of"], registers: [registry] }).set({ of: label }, value);
      const samples = samplesOf(await registry.metrics(), "it");
      expect(samples).toEqual([{ labels: { of: label }, value: Object.is(value, -0) ? 0 : value }]);
    }),
    { numRuns: 200 },
  );
});

test("no text breaks the reader, and a megabyte of it costs little", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "{", "}", '"', "\\", "=", ",", " ", "\n", "1", "#") }),
      (text) => {
        samplesOf(text, "a");
      },
    ),
    { numRuns: 2000 },
  );
  const nasty = [
    `a{${'b="'.repeat(300_000)}`,
    `a{${'b="c",'.repeat(150_000)}`,
    `${"a{".repeat(500_000)}`,
    "\\".repeat(1e6),
  ];
  for (const text of nasty) expect(samplesOf(text, "a") ?? []).toEqual([]);
});

test("a value is either a metric or a query, and has a name of its own", () => {
  const refused = (values: readonly object[]) =>
    probe.options.safeParse({ url: "http://a.example", values }).error?.message ?? "";
  expect(refused([{ name: "a" }])).toContain("either the metric");
  expect(refused([{ name: "a", metric: "x", query: "y" }])).toContain("either the metric");
  expect(
    refused([
      { name: "a", metric: "x" },
      { name: "a", metric: "y" },
    ]),
  ).toContain("same name");
  expect(refused([{ name: "a", metric: "x", ticket: { at: 1, clearAt: 2 } }])).toContain("less than");
  expect(refused([{ name: "a", metric: "x", atLeast: 5, atMost: 3 }])).toContain("no value is both");
});

test("a metric or query in the wrong place is sent to the right one", () => {
  const faults = (more: object) =>
    readSettings(probe.options, { url: "http://a.example", ...more }).faults.map(({ message }) => message);
  expect(faults({ metric: "x" })).toContainEqual(expect.stringContaining("like values: [{ metric: … }]"));
  expect(faults({ query: "up", values: [{ name: "a", query: "up" }] })).toEqual([
    'there is no setting "query" here: it belongs further in, like values: [{ query: … }]',
  ]);
});
