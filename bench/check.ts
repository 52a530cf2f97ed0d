/** The CPU time of one check: probed with phases, judged, stored, exported, against blackbox_exporter's probe alone. */
import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds, paused } from "./lib/child-process.ts";
import { blackboxProbe, openWrk, type Peer, startBlackbox, startNginx } from "./lib/compared-programs.ts";
import { costOf } from "./lib/cost.ts";
import type { Bench, Figure, Measurement } from "./lib/measurement.ts";
import { median } from "./lib/measurement.ts";
import { manyTargets, reconfigure, startTidewatch } from "./lib/tidewatch-process.ts";

const warmUpSeconds = 12;
const saturatedSeconds = 8;
const saturatedRounds = 3;
const calmSeconds = 40;
const calmPerSecond = 10;

export const measurement: Measurement = {
  summary: "CPU of one HTTP check, against blackbox_exporter probing the same target",
  limitSeconds: 240,
  async run(bench) {
    await using nginx = await startNginx(bench, ['location / { default_type text/html; return 200 "<p>Hello</p>"; }']);
    await using blackbox = await startBlackbox(bench);
    return [await saturated(bench, nginx, blackbox), await calm(bench, nginx, blackbox)];
  },
};

/** More checks than can be run: what runs, runs as fast as it can. Both take turns, each with the whole machine. */
async function saturated(bench: Bench, nginx: Peer, blackbox: Peer): Promise<Figure> {
  const wrk = await openWrk(bench);
  const targets = manyTargets({ targets: 50, checksEach: 40 }, { url: nginx.url, every: "1s", timeout: "900ms" });
  await using tidewatch = await startTidewatch(bench, { folder: `${bench.folder}/full`, targets, anchor: nginx.url });
  const url = blackboxProbe(blackbox, nginx.url);
  bench.progress("saturated: warming up");
  await bench.sleep(warmUpSeconds);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 1; round <= saturatedRounds; round++) {
    bench.progress(`saturated ${round}/${saturatedRounds}: Tidewatch`);
    ours.push((await costOf(tidewatch, saturatedSeconds, bench)).perCheck);
    bench.progress(`saturated ${round}/${saturatedRounds}: blackbox_exporter`);
    using _ = paused(tidewatch);
    const before = await cpuSeconds(blackbox.pid);
    const { requests } = await wrk(url, { connections: 16, seconds: saturatedSeconds });
    theirs.push(((await cpuSeconds(blackbox.pid)) - before) / requests);
  }
  return figure("CPU of a stored check, saturated", median(ours), median(theirs), 1);
}

/** Both at once, so that whatever else the machine does disturbs both. */
async function calm(bench: Bench, nginx: Peer, blackbox: Peer): Promise<Figure> {
  const every = (interval: string) =>
    manyTargets({ targets: 10, checksEach: 5 }, { url: nginx.url, every: interval, timeout: "900ms" });
  const settings = { folder: `${bench.folder}/calm`, anchor: nginx.url };
  await using tidewatch = await startTidewatch(bench, { ...settings, targets: every("1s") });
  const over = new AbortController();
  const asking = ask(blackboxProbe(blackbox, nginx.url), AbortSignal.any([over.signal, bench.signal]));
  bench.progress(`${calmPerSecond} checks a second: warming up`);
  // A monitor runs for weeks, so its code is compiled: some hundred checks first, then the rate that is measured.
  await bench.sleep(2 * warmUpSeconds);
  await reconfigure({ ...settings, targets: every(`${50 / calmPerSecond}s`) }, tidewatch);
  await bench.sleep(warmUpSeconds / 2);
  bench.progress(`${calmPerSecond} checks a second, ${calmSeconds} s, both at once`);
  const [before, askedBefore] = [await cpuSeconds(blackbox.pid), asking.count()];
  const { perCheck } = await costOf(tidewatch, calmSeconds, bench);
  const theirs = ((await cpuSeconds(blackbox.pid)) - before) / (asking.count() - askedBefore);
  over.abort();
  await asking.ended;
  return figure(`CPU of a stored check, ${calmPerSecond} a second`, perCheck, theirs, 1.25);
}

/** Asks blackbox_exporter at the same rate, at moments spread as ours are. */
function ask(url: string, signal: AbortSignal): { count(): number; readonly ended: Promise<void> } {
  let count = 0;
  const ended = (async () => {
    while (!signal.aborted) {
      const step = 1000 / calmPerSecond;
      await sleep(step * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await (await fetch(url)).arrayBuffer();
      count++;
    }
  })();
  return { count: () => count, ended };
}

function figure(what: string, ours: number, theirs: number, atMost: number): Figure {
  return {
    what,
    unit: "ms",
    ours: ours * 1000,
    yardstick: { name: "blackbox_exporter, probe alone", value: theirs * 1000 },
    target: { of: "ratio", atMost },
  };
}
