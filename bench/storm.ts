/** An outage of everything: 200 services that hang, some of them flapping, and 1,000 people who look at the page meanwhile. */
import { join } from "node:path";
import { openSqliteStore } from "../store/sqlite/sqlite.ts";
import { startNginx } from "./lib/compared-programs.ts";
import type { MainThreadReport } from "./lib/main-thread-watch.ts";
import { type Figure, type Measurement, median, quantile } from "./lib/measurement.ts";
import { writeHistory } from "./lib/seeded-history.ts";
import { databaseIn, runsByCheck, startTidewatch, type TargetSettings } from "./lib/tidewatch-process.ts";
import { hang, startTinyServer } from "./lib/tiny-server.ts";
import { visit } from "./lib/visitors.ts";

const [services, checksEach, flapping] = [200, 10, 64];
const everySeconds = 60;
const healthy = 20;
const quietSeconds = 25;
const visitors = 1000;
const visitSeconds = 40;
/** After so long every check has had two turns, up to 10 s long: a minute each, the first one may begin a minute after the start. */
const twoTurnsSeconds = 135;

export const measurement: Measurement = {
  summary: "200 public services that hang or flap: runs missed, main thread held, 1,000 visitors meanwhile",
  limitSeconds: 360,
  async run(bench) {
    await using broken = await startTinyServer(hang);
    await using nginx = await startNginx(bench, ['location / { default_type text/html; return 200 "<p>Hello</p>"; }']);
    const folder = join(bench.folder, "tidewatch");
    const targets = [...healthyTargets(nginx.url), ...brokenTargets(broken.url)];
    const database = databaseIn(folder);
    await writeHistory(database, targets, { days: 90, samples: true }, bench.progress);
    let missed: number;
    let waits: readonly number[];
    let spans: Spans;
    const held: { start?: MainThreadReport; storm?: MainThreadReport } = {};
    {
      await using tidewatch = await startTidewatch(bench, { folder, targets, anchor: nginx.url });
      const began = performance.now();
      await tidewatch.mainThread();
      bench.progress("all targets hang: first turn");
      await bench.sleep(25);
      held.start = await tidewatch.mainThread();
      const quietFrom = Temporal.Now.instant();
      bench.progress("measuring without visitors");
      await bench.sleep(quietSeconds);
      const busyFrom = Temporal.Now.instant();
      bench.progress(`${visitors} visitors, one view a second each`);
      waits = await visit(tidewatch.publicPort, { visitors, seconds: visitSeconds, signal: bench.signal });
      spans = { quietFrom, busyFrom, until: Temporal.Now.instant() };
      bench.progress("waiting for the second turn of every check");
      await bench.sleep(Math.max(0, twoTurnsSeconds - (performance.now() - began) / 1000));
      held.storm = await tidewatch.mainThread();
      missed = missedRuns(await runsByCheck(tidewatch));
    }
    return [
      {
        what: `missed runs of ${services * checksEach} hanging checks`,
        unit: "",
        ours: missed,
        target: { of: "value", atMost: 0 },
        note: `every ${everySeconds} s, each waits 10 s; two turns of each within ${twoTurnsSeconds} s`,
      },
      {
        what: "main thread held, longest",
        unit: "ms",
        ours: held.storm.holds[0]?.ms ?? 0,
        target: { of: "value", atMost: 50 },
        note: `of the last ${twoTurnsSeconds - 25} s: ${shownHolds(held.storm)}; of the 25 s before: ${shownHolds(held.start)}`,
      },
      { what: "CPU in one such hold, most", unit: "ms", ours: held.storm.mostCpuMs },
      {
        what: `page for ${visitors} visitors in an outage, p99`,
        unit: "ms",
        ours: quantile(waits, 0.99) * 1000,
        target: { of: "value", atMost: 50 },
        note: `${waits.length} views, ${visitors} connections, one view a second each; median ${(median(waits) * 1000).toFixed(1)} ms`,
      },
      await shift(database, spans),
    ];
  },
};

/** The longest few, and what the thread computed of each: the rest it waited for a core, or for the disk. */
const shownHolds = ({ holds }: MainThreadReport) =>
  holds
    .slice(0, 5)
    .map(({ ms, cpuMs }) => `${ms.toFixed(0)} ms (CPU ${cpuMs.toFixed(0)} ms)`)
    .join(", ");

function healthyTargets(url: string): readonly TargetSettings[] {
  return Array.from({ length: healthy }, (_, index) => ({
    id: `healthy-${index + 1}`,
    public: false,
    checks: [{ id: "web", url, every: "1s", timeout: "900ms" }],
  }));
}

/** All hang; some of them answer in every other minute, each service from another second on. */
function brokenTargets(url: string): readonly TargetSettings[] {
  return Array.from({ length: services }, (_, target) => ({
    id: `hanging-${target + 1}`,
    checks: Array.from({ length: checksEach }, (_, index) => ({
      id: `web-${index + 1}`,
      url: target < flapping ? `${url}/flaps/${target / flapping}` : url,
      every: `${everySeconds}s`,
      timeout: "10s",
      // Down or up at once, so that no retry hides a missed turn.
      confirm: { failures: 1, successes: 1 },
    })),
  }));
}

function missedRuns(runs: ReadonlyMap<string, number>): number {
  const ofHanging = [...runs].filter(([labels]) => labels.includes('target="hanging-'));
  const never = services * checksEach - ofHanging.length;
  return ofHanging.reduce((missed, [, count]) => missed + Math.max(0, 2 - count), 2 * never);
}

interface Spans {
  readonly quietFrom: Temporal.Instant;
  readonly busyFrom: Temporal.Instant;
  readonly until: Temporal.Instant;
}

/** Of what the healthy targets' answers took, as it was stored. */
async function shift(database: string, { quietFrom, busyFrom, until }: Spans): Promise<Figure> {
  await using store = await openSqliteStore(database);
  const total = async (from: Temporal.Instant, to: Temporal.Instant) => {
    const ids = Array.from({ length: healthy }, (_, index) => `healthy-${index + 1}`);
    const lists = await Promise.all(
      ids.map((target) => store.samples.list({ target, check: "web" }, { from, to, limit: 10_000 })),
    );
    return median(lists.flat().flatMap(({ phases }) => phases?.total ?? []));
  };
  const [quiet, busy] = [await total(quietFrom, busyFrom), await total(busyFrom, until)];
  return {
    what: "measured latency with visitors, median",
    unit: "ms",
    ours: busy * 1000,
    yardstick: { name: "the same checks without visitors", value: quiet * 1000 },
    target: { of: "ratio", atMost: 1.05 },
  };
}
