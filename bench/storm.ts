/** An outage of everything: 2,000 targets that accept and never answer, and 1,000 people who look at the page meanwhile. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { openSqliteStore } from "../store/sqlite/sqlite.ts";
import { startNginx } from "./lib/compared-programs.ts";
import { type Figure, type Measurement, median, quantile } from "./lib/measurement.ts";
import { runsByCheck, startTidewatch, type TargetSettings } from "./lib/tidewatch-process.ts";
import { visit } from "./lib/visitors.ts";

const hanging = 2000;
const everySeconds = 60;
const watched = 20;
const quietSeconds = 25;
const visitors = 1000;
const visitSeconds = 25;
/** After so long every check has had two turns: one at the start, one on its grid, each up to 10 s long. */
const twoTurnsSeconds = 95;

export const measurement: Measurement = {
  summary: "2,000 hanging targets without a missed run; 1,000 visitors during an outage",
  limitSeconds: 180,
  async run(bench) {
    await using silent = await startSilent();
    await using nginx = await startNginx(bench, ['location / { default_type text/html; return 200 "<p>Hello</p>"; }']);
    const folder = join(bench.folder, "tidewatch");
    const targets = [...healthyTargets(nginx.url), ...hangingTargets(silent.url)];
    let missed: number;
    let waits: readonly number[];
    let spans: Spans;
    let database: string;
    {
      await using tidewatch = await startTidewatch(bench, { folder, targets, anchor: nginx.url });
      const began = performance.now();
      database = tidewatch.database;
      bench.progress("all targets hang: first turn");
      await bench.sleep(25);
      const quietFrom = Temporal.Now.instant();
      bench.progress("measuring without visitors");
      await bench.sleep(quietSeconds);
      const busyFrom = Temporal.Now.instant();
      bench.progress(`${visitors} visitors, one view a second each`);
      waits = await visit(tidewatch.publicPort, { visitors, seconds: visitSeconds, signal: bench.signal });
      spans = { quietFrom, busyFrom, until: Temporal.Now.instant() };
      bench.progress("waiting for the second turn of every check");
      await bench.sleep(Math.max(0, twoTurnsSeconds - (performance.now() - began) / 1000));
      missed = await missedRuns(await runsByCheck(tidewatch));
    }
    return [
      {
        what: `missed runs of ${hanging} hanging targets`,
        unit: "",
        ours: missed,
        target: { of: "value", atMost: 0 },
        note: `every ${everySeconds} s, each waits 10 s; two turns of each within ${twoTurnsSeconds} s`,
      },
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

function healthyTargets(url: string): readonly TargetSettings[] {
  return Array.from({ length: watched }, (_, index) => ({
    id: `healthy-${index + 1}`,
    checks: [{ id: "web", url, every: "1s", timeout: "900ms" }],
  }));
}

function hangingTargets(url: string): readonly TargetSettings[] {
  return Array.from({ length: hanging / 10 }, (_, target) => ({
    id: `hanging-${target + 1}`,
    public: target < 30,
    checks: Array.from({ length: 10 }, (_, index) => ({
      id: `web-${index + 1}`,
      url,
      every: `${everySeconds}s`,
      timeout: "10s",
      // Down at once, so that no retry hides a missed turn.
      confirm: { failures: 1 },
    })),
  }));
}

async function missedRuns(runs: ReadonlyMap<string, number>): Promise<number> {
  const ofHanging = [...runs].filter(([labels]) => labels.includes('target="hanging-'));
  const never = hanging - ofHanging.length;
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
    const ids = Array.from({ length: watched }, (_, index) => `healthy-${index + 1}`);
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

async function startSilent(): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.resume();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the system gave no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
