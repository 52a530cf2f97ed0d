/** What a scrape of /metrics costs with 500 and with 5,000 checks that have readings: time, bytes, main thread held. */
import { join } from "node:path";
import { type Bench, type Figure, type Measurement, median } from "./lib/measurement.ts";
import { type CheckSettings, manyTargets, startTidewatch, type TidewatchProcess } from "./lib/tidewatch-process.ts";
import { startTinyServer } from "./lib/tiny-server.ts";

const scrapes = 6;
/** As Prometheus: between two of them a quarter of the checks has run. */
const everySeconds = 15;
const accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";

const exported = ["users", "queue"];

export const measurement: Measurement = {
  summary: "A scrape of /metrics with 500 and with 5,000 checks: time, bytes, how long it holds the main thread",
  limitSeconds: 600,
  async run(bench) {
    const [few, many] = [await scrapesOf(500, bench), await scrapesOf(5000, bench)];
    const perSeries = ({ cpuMs, series }: Scrapes) => (cpuMs / series) * 1000;
    return [
      ...figuresOf(500, few),
      ...figuresOf(5000, many, 20),
      {
        what: "/metrics, CPU per series with 5,000 checks",
        unit: "µs",
        ours: perSeries(many),
        yardstick: { name: "with 500 checks", value: perSeries(few) },
        target: { of: "ratio", atMost: 1.5 },
        note: `CPU of the main thread from the request to the last byte, median of ${scrapes} scrapes`,
      },
    ];
  },
};

/** Medians. */
interface Scrapes {
  readonly ms: number;
  /** The longest that the main thread was held in one scrape. */
  readonly heldMs: number;
  readonly longestHeldMs: number;
  /** The most CPU of the main thread in one such hold. */
  readonly heldCpuMs: number;
  readonly cpuMs: number;
  readonly series: number;
  readonly bytes: number;
}

async function scrapesOf(checks: number, bench: Bench): Promise<Scrapes> {
  await using exporter = await startTinyServer((_request, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4");
    response.end(exported.map((name) => `${name} ${Math.round(Math.random() * 1e9)}\n`).join(""));
  });
  const check: Omit<CheckSettings, "id"> = {
    probe: "prometheus",
    url: `${exporter.url}/metrics`,
    every: "60s",
    values: exported.map((metric) => ({ name: metric, metric })),
  };
  const targets = manyTargets({ targets: checks / 10, checksEach: 10 }, check);
  const folder = join(bench.folder, `checks-${checks}`);
  await using tidewatch = await startTidewatch(bench, { folder, targets, anchor: exporter.url });
  bench.progress(`${checks} checks: waiting until each has run`);
  await bench.sleep(70);
  const all: Omit<Scrapes, "longestHeldMs">[] = [];
  for (let scrape = 1; scrape <= scrapes; scrape++) {
    bench.progress(`${checks} checks: scrape ${scrape}/${scrapes}`);
    await bench.sleep(everySeconds);
    all.push(await scrapeOnce(tidewatch));
  }
  const of = (field: keyof (typeof all)[number]) => median(all.map((scrape) => scrape[field]));
  const longestHeldMs = Math.max(...all.map(({ heldMs }) => heldMs));
  return {
    ...{ ms: of("ms"), heldMs: of("heldMs"), longestHeldMs, heldCpuMs: of("heldCpuMs") },
    ...{ cpuMs: of("cpuMs"), series: of("series"), bytes: of("bytes") },
  };
}

async function scrapeOnce(tidewatch: TidewatchProcess): Promise<Omit<Scrapes, "longestHeldMs">> {
  await tidewatch.mainThread();
  const began = performance.now();
  const answer = await fetch(`${tidewatch.privateUrl}/metrics`, { headers: { accept } });
  const text = await answer.text();
  const ms = performance.now() - began;
  const { holds, mostCpuMs: heldCpuMs, cpuMs } = await tidewatch.mainThread();
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  return { ms, heldMs: holds[0]?.ms ?? 0, heldCpuMs, cpuMs, series, bytes: Buffer.byteLength(text) };
}

function figuresOf(checks: number, scrape: Scrapes, mostHeld?: number): readonly Figure[] {
  const { ms, heldMs, longestHeldMs, heldCpuMs, cpuMs, series, bytes } = scrape;
  return [
    { what: `/metrics of ${checks} checks, time`, unit: "ms", ours: ms, note: `${series} series, ${bytes} B` },
    {
      what: `/metrics of ${checks} checks, main thread held`,
      unit: "ms",
      ours: heldMs,
      ...(mostHeld !== undefined && { target: { of: "value", atMost: mostHeld } }),
      note: `median of ${scrapes} scrapes, whatever else the program did meanwhile included; the longest ${longestHeldMs.toFixed(1)} ms; CPU ${heldCpuMs.toFixed(1)} ms at a stretch, ${cpuMs.toFixed(1)} ms in all`,
    },
    { what: `/metrics of ${checks} checks, size`, unit: "kB", ours: bytes / 1000 },
  ];
}
