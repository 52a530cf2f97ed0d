/** What a check costs in CPU here and in another checkout, such as the commit before: both in one run, taking turns. */
import { Refused } from "../core/errors.ts";
import { costOf } from "./lib/cost.ts";
import { type Bench, type Measurement, median } from "./lib/measurement.ts";
import { startNginx } from "./lib/peers.ts";
import { manyTargets, startTidewatch, type Tidewatch } from "./lib/program.ts";
import { standingStill } from "./lib/started.ts";

const warmUpSeconds = 12;
const rounds = 8;
const turnSeconds = 6;
/** After a pause what was due comes at once; it is not measured. */
const settleSeconds = 1;

export const measurement: Measurement = {
  summary: "CPU of one HTTP check, against another checkout: --before FOLDER",
  limitSeconds: 240,
  async run(bench) {
    if (bench.before === undefined) throw new Refused("nothing to compare with", "Name it: --before FOLDER");
    await using nginx = await startNginx(bench, ['location / { default_type text/html; return 200 "<p>Hello</p>"; }']);
    const targets = manyTargets({ targets: 50, checksEach: 40 }, { url: nginx.url, every: "1s", timeout: "900ms" });
    const started = async (name: string, checkout: object) => {
      const settings = { folder: `${bench.folder}/${name}`, targets, anchor: nginx.url, ...checkout };
      const tidewatch = await startTidewatch(bench, settings);
      await bench.sleep(warmUpSeconds);
      return tidewatch;
    };
    await using before = await started("before", { checkout: bench.before });
    let paused = standingStill(before);
    await using here = await started("here", {});
    const costs: { readonly here: number; readonly before: number }[] = [];
    for (let round = 1; round <= rounds; round++) {
      bench.progress(`${round}/${rounds}: here`);
      const ours = await turn(here, bench);
      paused[Symbol.dispose]();
      paused = standingStill(here);
      bench.progress(`${round}/${rounds}: before`);
      costs.push({ here: ours, before: await turn(before, bench) });
      paused[Symbol.dispose]();
      paused = standingStill(before);
    }
    paused[Symbol.dispose]();
    const yardstick = median(costs.map((cost) => cost.before)) * 1000;
    // Of each round: what else the machine does changes slowly.
    const ratio = median(costs.map((cost) => cost.here / cost.before));
    return [
      {
        what: "CPU of a stored check, saturated",
        unit: "ms",
        ours: ratio * yardstick,
        yardstick: { name: "the other checkout", value: yardstick },
        target: { of: "ratio", atMost: 1.05 },
        note: `ratios of the rounds ${costs.map((cost) => (cost.here / cost.before).toFixed(2)).join(", ")}.`,
      },
    ];
  },
};

async function turn(tidewatch: Tidewatch, bench: Bench): Promise<number> {
  await bench.sleep(settleSeconds);
  return (await costOf(tidewatch, turnSeconds, bench)).perCheck;
}
