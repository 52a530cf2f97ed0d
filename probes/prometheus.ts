/**
 * The prometheus probe: reads values that somebody else measures, from any exporter or by a query to a Prometheus
 * server.
 */
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { duration, identifier, localised, secret, webAddress } from "../core/config/settings.ts";
import type { Localised } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import type { Finding, Reading } from "../core/sample.ts";
import type { Threshold } from "../core/threshold.ts";
import { certificateAuthority } from "./lib/certificate.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { type ExporterSample, readNumber, samplesOf } from "./lib/prometheus-text.ts";
import { evidenceOf, refusalOf } from "./web/http-answer.ts";

const level = (what: string) =>
  z
    .strictObject({
      at: z.number().describe("The value from which on it is told."),
      clearAt: z.number().optional().describe("The value below which it is over. Default: nine tenths of `at`."),
      for: duration().prefault("5m").describe("How long it must stay there."),
    })
    .refine(({ at, clearAt }) => clearBelow(at, clearAt) < at, { path: ["clearAt"], error: "must be less than `at`" })
    .optional()
    .describe(what);

const clearBelow = (at: number, clearAt: number | undefined): number =>
  clearAt ?? at - Math.max(Math.abs(at) * 0.1, 1e-9);

const Value = z
  .strictObject({
    name: identifier().describe("What it is called here, in metrics and notices."),
    metric: z
      .string()
      .regex(/^[a-zA-Z_:][\w:]{0,199}$/, { error: "expected the name of a metric" })
      .optional()
      .describe("Name of the metric in what the exporter says."),
    labels: z.record(z.string(), z.string()).prefault({}).describe("Only samples that carry all of these labels."),
    query: z
      .string()
      .min(1)
      .max(5000)
      .optional()
      .describe("In place of `metric`, for a Prometheus server: a query (PromQL) that gives one value."),
    combine: z.enum(["sum", "min", "max", "average"]).prefault("sum").describe("What to make of several samples."),
    rate: z.boolean().prefault(false).describe("For a counter: how much it grows a second, from one run to the next."),
    atLeast: z.number().optional().describe("Below this it is degraded."),
    atMost: z.number().optional().describe("Above this it is degraded."),
    missing: z
      .enum(["degraded", "down", "unknown", "zero"])
      .prefault("degraded")
      .describe("What it means when there is no such sample; `zero` takes it for 0."),
    notANumber: z
      .enum(["ignore", "degraded", "down", "unknown", "zero"])
      .prefault("ignore")
      .describe(
        "What it means when there are samples and none of them is a number (`NaN`), as when a summary has seen nothing for a while; `ignore` notes it and goes on.",
      ),
    unit: z.enum(["seconds", "bytes", "ratio", "count"]).prefault("count").describe("How to print it."),
    title: localised().optional().describe("What it means when a level is reached: `Posts arrive late`."),
    ticket: level("From where on it is worth a look this week."),
    page: level("From where on somebody is woken."),
  })
  .refine(({ metric, query }) => (metric === undefined) !== (query === undefined), {
    path: ["metric"],
    error: "give either the metric of an exporter, or a query for a Prometheus server",
  })
  .refine(({ atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY }) => atLeast <= atMost, {
    path: ["atLeast"],
    error: "must not be more than `atMost`: no value is both",
  });
type Value = z.output<typeof Value>;

const options = z
  .strictObject({
    url: webAddress().describe(
      "Where the exporter answers, such as `http://127.0.0.1:4000/metrics`; for queries, the address of the Prometheus server.",
    ),
    values: z.array(Value).min(1).max(50).describe("What to read."),
    token: secret().optional().describe("Sent as a bearer token."),
    ca: certificateAuthority(),
  })
  .refine(({ values }) => new Set(values.map(({ name }) => name)).size === values.length, {
    path: ["values"],
    error: "two values have the same name",
  });
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Reads values from any Prometheus exporter, or from a Prometheus server by a query.",
  internal: true,
  readings: [
    gauge("prometheus_value", "A value that somebody else measures, by the name it has in the configuration.", [
      "check",
      "name",
    ]),
  ],
  options,
  example: {
    url: "http://127.0.0.1:4000/metrics",
    values: [
      { name: "streaming-clients", metric: "connected_clients", labels: { type: "websocket" } },
      { name: "event-loop-lag", metric: "nodejs_eventloop_lag_p99_seconds", unit: "seconds", ticket: { at: 0.5 } },
    ],
  },

  thresholds: ({ values }) => values.flatMap(thresholdsOf),

  async run(settings, context) {
    const read = settings.values.some(({ query }) => query !== undefined)
      ? await askServer(settings, context)
      : await askExporter(settings, context);
    if ("refusal" in read) return findingOf([read.refusal]);
    return judge(settings.values, read, context);
  },
});

interface Read {
  readonly phases: HttpAnswer["phases"];
  /** Samples for each value, in their order. */
  readonly samples: readonly (readonly ExporterSample[])[];
}

/** Mastodon's web exporter with all its histograms has 1 MB. */
const maxBodyBytes = 16_000_000;

async function ask(url: URL, { token, ca }: Options, { http }: ProbeContext): Promise<HttpAnswer> {
  return http.get(url, {
    headers: {
      accept: "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4",
      ...(token && { authorization: `Bearer ${token.reveal().trim()}` }),
    },
    maxBodyBytes,
    ...(ca && { ca: ca.reveal() }),
  });
}

async function askExporter(settings: Options, context: ProbeContext): Promise<Read | { readonly refusal: Problem }> {
  const answer = await ask(new URL(settings.url), settings, context);
  const refusal = refusedBy(answer, "the exporter");
  if (refusal) return { refusal };
  const text = answer.text();
  const samples: (readonly ExporterSample[])[] = [];
  for (const { metric = "", labels } of settings.values) {
    const all = samplesOf(text, metric);
    if (!all) {
      return { refusal: { ...down("the answer is not in the format of Prometheus"), evidence: evidenceOf(answer) } };
    }
    samples.push(
      all.filter((sample) => Object.entries(labels).every(([name, value]) => sample.labels[name] === value)),
    );
    // Fifty values in a long text: other checks have their turn in between.
    await setImmediate();
    context.signal.throwIfAborted();
  }
  return { phases: answer.phases, samples };
}

const Vector = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("scalar"), result: z.tuple([z.number(), z.string()]) }),
    z.object({
      resultType: z.literal("vector"),
      result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
    }),
  ]),
});
const Refusal = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });

async function askServer(settings: Options, context: ProbeContext): Promise<Read | { readonly refusal: Problem }> {
  const samples: (readonly ExporterSample[])[] = [];
  let phases: HttpAnswer["phases"] = {};
  for (const { query, metric = "", labels } of settings.values) {
    const url = new URL(`${settings.url.replace(/\/+$/, "")}/api/v1/query`);
    url.searchParams.set("query", query ?? selector(metric, labels));
    const answer = await ask(url, settings, context);
    if (samples.length === 0) phases = answer.phases;
    const refused = answer.json(Refusal);
    if (refused) return { refusal: unknown(`Prometheus refuses the query (${plainText(refused.error, 120)})`) };
    const refusal = refusedBy(answer, "Prometheus");
    if (refusal) return { refusal };
    const found = answer.json(Vector)?.data;
    if (!found) return { refusal: { ...unknown("the query gives no single values"), evidence: evidenceOf(answer) } };
    const vector = found.resultType === "scalar" ? [{ metric: {}, value: found.result }] : found.result;
    samples.push(vector.map(({ metric: labels, value }) => ({ labels, value: readNumber(value[1]) ?? Number.NaN })));
  }
  return { phases, samples };
}

function selector(metric: string, labels: Value["labels"]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${metric}{${pairs.join(",")}}`;
}

function refusedBy(answer: HttpAnswer, who: string): Problem | undefined {
  const refusal = refusalOf(answer, who, { en: who, fr: who });
  // Members know nothing of exporters: whatever is wrong with one, they are told the same.
  if (refusal) return refusal.outcome === "unknown" ? refusal : { ...refusal, explanation: insideUnseen };
  const evidence = evidenceOf(answer);
  if (answer.status === 401 || answer.status === 403) {
    return { ...unknown(`${who} does not let us in (${answer.status}): check the token`), evidence };
  }
  if (answer.status !== 200) return { ...down(`${who} answered ${answer.status}`), evidence };
  return answer.truncated ? unknown(`the answer of ${who} is longer than ${maxBodyBytes / 1e6} MB`) : undefined;
}

function judge(values: readonly Value[], { phases, samples }: Read, context: ProbeContext): Finding {
  const readings: Reading[] = [];
  const problems: Problem[] = [];
  const notes: string[] = [];
  values.forEach((value, index) => {
    const raw = combined(samples[index] ?? [], value);
    if (typeof raw === "string") {
      const [reason, meaning] =
        raw === "missing"
          ? [`there is no ${value.name} in the answer`, value.missing]
          : [`${value.name} is not a number at present`, value.notANumber];
      if (meaning === "ignore" || meaning === "zero") notes.push(reason);
      else problems.push({ outcome: meaning, reason, explanation: notAsItShould });
      return;
    }
    const now = value.rate ? growth(value.name, raw, context) : raw;
    if (now === undefined) return;
    readings.push({ metric: "prometheus_value", value: now, labels: { name: value.name } });
    const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = value;
    if (now < atLeast) problems.push(degradation(`${value.name} is ${short(now)}, below ${atLeast}`, toldBy(value)));
    if (now > atMost) problems.push(degradation(`${value.name} is ${short(now)}, above ${atMost}`, toldBy(value)));
  });
  return {
    ...findingOf(problems, { phases, readings, note: notes.join("; ") || undefined }),
    runbook: "measured-value",
  };
}

/** One sample that is no number does not spoil the others. */
function combined(
  samples: readonly ExporterSample[],
  { combine, missing, notANumber }: Value,
): number | "missing" | "not a number" {
  const numbers = samples.map(({ value }) => value).filter((value) => !Number.isNaN(value));
  if (samples.length === 0) return missing === "zero" ? 0 : "missing";
  if (numbers.length === 0) return notANumber === "zero" ? 0 : "not a number";
  const sum = numbers.reduce((total, number) => total + number, 0);
  switch (combine) {
    case "sum":
      return sum;
    case "average":
      return sum / numbers.length;
    case "min":
      return numbers.reduce((least, number) => Math.min(least, number));
    case "max":
      return numbers.reduce((most, number) => Math.max(most, number));
  }
}

/** A second; undefined at the first look. A counter that fell was started again from zero. */
function growth(name: string, count: number, { memory, clock }: ProbeContext): number | undefined {
  const key = `counter ${name}`;
  const before = Before.safeParse(memory.get(key)).data;
  const at = clock.monotonicSeconds();
  memory.set(key, { count, at });
  if (!before || at <= before.at) return undefined;
  return (count >= before.count ? count - before.count : count) / (at - before.at);
}
const Before = z.object({ count: z.number(), at: z.number() });

const short = (value: number): string => String(Number(value.toPrecision(4)));

function thresholdsOf(value: Value): readonly Threshold[] {
  const { name, unit } = value;
  return (["ticket", "page"] as const).flatMap((urgency): Threshold[] => {
    const wanted = value[urgency];
    if (!wanted) return [];
    return [
      {
        id: `${name}-${urgency}`,
        metric: "prometheus_value",
        labels: { name },
        raiseAt: wanted.at,
        clearAt: clearBelow(wanted.at, wanted.clearAt),
        raiseAfterSeconds: wanted.for,
        clearAfterSeconds: wanted.for,
        urgency,
        affects: "nothing",
        unit,
        title: value.title ?? { en: `${name} is too high`, fr: `${name} est trop élevé` },
        runbook: "measured-value",
      },
    ];
  });
}

const toldBy = ({ title }: Value): Localised => (title ? { en: `${title.en}.`, fr: `${title.fr}.` } : notAsItShould);

const notAsItShould: Localised = {
  en: "Something inside the service does not run as it should.",
  fr: "Quelque chose à l’intérieur du service ne fonctionne pas comme prévu.",
};

const insideUnseen: Localised = {
  en: "We cannot see whether everything inside the service runs as it should; you may notice nothing.",
  fr: "Nous ne voyons pas si tout fonctionne comme prévu à l’intérieur du service; il se peut que rien ne se remarque.",
};

const down = (reason: string): Problem => ({ outcome: "down", reason, explanation: insideUnseen });
const unknown = (reason: string): Problem => ({
  outcome: "unknown",
  reason,
  explanation: {
    en: "We could not check: our monitor is not set up correctly.",
    fr: "Vérification impossible : notre outil de surveillance est mal réglé.",
  },
});
