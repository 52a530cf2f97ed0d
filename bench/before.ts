/** What a check costs in CPU here and in another checkout, such as the commit before: both in one run, taking turns. */
import { Refused } from "../core/errors.ts";
import { paused } from "./lib/child-process.ts";
import { startNginx } from "./lib/compared-programs.ts";
import { costOf } from "./lib/cost.ts";
import { type Bench, type Measurement, median } from "./lib/measurement.ts";
import { manyTargets, startTidewatch, type TidewatchProcess } from "./lib/tidewatch-process.ts";

const warmUpSeconds = 12;
/** The first rounds are not counted: code is still being compiled. */
const [warmUpRounds, rounds] = [2, 10];
const turnSeconds = 6;
/** After a pause what was due comes at once; it is not measured. */
const settleSeconds = 1;

interface Cost {
  readonly here: number;
  readonly before: number;
}

export const measurement: Measurement = {
  summary: "CPU of one HTTP check, against another checkout: --before FOLDER",
  limitSeconds: 300,
  async run(bench) {
    if (bench.before === undefined) throw new Refused("nothing to compare with", "Name it: --before FOLDER");
    await using nginx = await startNginx(bench, ['location / { default_type text/html; return 200 "<p>Hello</p>"; }']);
    const targets = manyTargets({ targets: 50, checksEach: 40 }, { url: nginx.url, every: "1s", timeout: "900ms" });
    const common = { targets, anchor: nginx.url };
    const settings = { ...common, folder: `${bench.folder}/before`, checkout: bench.before };
    await using before = await startTidewatch(bench, settings);
    await using here = await startTidewatch(bench, { ...common, folder: `${bench.folder}/here` });
    bench.progress("warming up");
    await bench.sleep(warmUpSeconds);
    const costs = (await takeTurns(here, before, bench)).slice(warmUpRounds);
    const yardstick = median(costs.map((cost) => cost.before)) * 1000;
    // Of each round: what else the machine does changes slowly.
    const ratios = costs.map((cost) => cost.here / cost.before);
    return [
      {
        what: "CPU of a stored check, saturated",
        unit: "ms",
        ours: median(ratios) * yardstick,
        yardstick: { name: "the other checkout", value: yardstick },
        target: { of: "ratio", atMost: 1.05 },
        note: `the ratios of the rounds were ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}.`,
      },
    ];
  },
};

/** Whoever was second is first in the next round. */
async function takeTurns(here: TidewatchProcess, before: TidewatchProcess, bench: Bench): Promise<readonly Cost[]> {
  const costs: Cost[] = [];
  for (let round = 1; round <= warmUpRounds + rounds; round++) {
    bench.progress(`round ${round}/${warmUpRounds + rounds}`);
    if (round % 2 === 0) {
      costs.push({ here: await turn(here, before, bench), before: await turn(before, here, bench) });
    } else {
      costs.push({ before: await turn(before, here, bench), here: await turn(here, before, bench) });
    }
  }
  return costs;
}

/** While the other one stands still. */
async function turn(tidewatch: TidewatchProcess, other: TidewatchProcess, bench: Bench): Promise<number> {
  using _ = paused(other);
  await bench.sleep(settleSeconds);
  return (await costOf(tidewatch, turnSeconds, bench)).perCheck;
}
