/** The throughput of the status page on one core: requests a CPU second, against nginx with the same bytes as a file. */
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Refused } from "../core/errors.ts";
import { cpuSeconds, type Started } from "./lib/child-process.ts";
import { type Load, type LoadResult, openWrk, startNginx } from "./lib/compared-programs.ts";
import { type FirstView, firstView } from "./lib/first-view.ts";
import { type Bench, type Figure, type Measurement, median } from "./lib/measurement.ts";
import { writeHistory } from "./lib/seeded-history.ts";
import { databaseIn, manyTargets, startTidewatch } from "./lib/tidewatch-process.ts";

const rounds = 3;
const seconds = 4;
const [serverCore, visitorCore] = [0, 1];
const browser = { "accept-encoding": "gzip, deflate, br", "accept-language": "en-CA,en;q=0.8" };

export const measurement: Measurement = {
  summary: "Throughput of the status page on one core, against nginx serving the same bytes",
  limitSeconds: 150,
  async run(bench) {
    if (availableParallelism() < 2) throw new Refused("This machine has one core.", "One more is needed to ask from.");
    const folder = join(bench.folder, "tidewatch");
    await using anchor = await startNginx(bench, ["location / { return 200; }"], { core: visitorCore });
    const targets = manyTargets({ targets: 50, checksEach: 1 }, { url: anchor.url, every: "60s" });
    await writeHistory(databaseIn(folder), targets, { days: 90 }, bench.progress);
    await using tidewatch = await startTidewatch(bench, { folder, targets, anchor: anchor.url, core: serverCore });
    // Until every check has run once, the page changes each second.
    await bench.sleep(12);
    const [br, gzip] = [await firstView(tidewatch.publicPort, "br"), await firstView(tidewatch.publicPort, "gzip")];
    await using nginx = await startNginx(bench, await asFile(bench, br, gzip), { core: serverCore });
    const wrk = await openWrk(bench);
    bench.progress("warming up");
    for (const { url } of [{ url: tidewatch.publicUrl }, nginx]) {
      await wrk(`${url}/`, { connections: 32, seconds: 4, core: visitorCore, headers: browser });
    }
    const figures: Figure[] = [];
    for (const [what, load] of loads) {
      const [ours, theirs]: [number[], number[]] = [[], []];
      for (let round = 1; round <= rounds; round++) {
        bench.progress(`${what}, ${round}/${rounds}`);
        const full = { connections: 32, seconds, core: visitorCore, headers: browser, ...load };
        ours.push(await perCpuSecond(tidewatch, () => wrk(`${tidewatch.publicUrl}/`, full)));
        theirs.push(await perCpuSecond(nginx, () => wrk(`${nginx.url}/`, full)));
      }
      figures.push({
        what: `status page, ${what}`,
        unit: "req per CPU s",
        ours: median(ours),
        yardstick: { name: "nginx, same bytes", value: median(theirs) },
        target: { of: "ratio", atLeast: 0.75 },
      });
    }
    return figures;
  },
};

/** What one core serves when it does nothing else; unlike views a second, it holds when others use the machine too. */
async function perCpuSecond({ pid }: Started, load: () => Promise<LoadResult>): Promise<number> {
  const before = await cpuSeconds(pid);
  const { requests } = await load();
  return requests / ((await cpuSeconds(pid)) - before);
}

const loads: readonly (readonly [what: string, load: Partial<Load>])[] = [
  ["brotli", {}],
  ["brotli, random query", { randomQuery: true }],
  ["gzip", { headers: { ...browser, "accept-encoding": "gzip" } }],
];

/** The same body and the same headers as ours, from open files. */
async function asFile({ folder }: Bench, br: FirstView, gzip: FirstView): Promise<readonly string[]> {
  await writeFile(join(folder, "page.br"), br.body);
  await writeFile(join(folder, "page.gz"), gzip.body);
  const ownHeaders = new Set([
    "connection",
    "content-length",
    "date",
    "etag",
    "keep-alive",
    "content-type",
    "content-encoding",
  ]);
  const headers = br.headers.filter(([name]) => !ownHeaders.has(name));
  return [
    `root ${folder};`,
    ...headers.map(([name, value]) => `add_header ${name} ${JSON.stringify(value)};`),
    'default_type "text/html; charset=utf-8";',
    "location = / { if ($http_accept_encoding ~ br) { rewrite ^ /page.br last; } rewrite ^ /page.gz last; }",
    ...["br", "gz"].map((name) =>
      [
        `location = /page.${name} {`,
        ...headers.map(([header, value]) => `add_header ${header} ${JSON.stringify(value)};`),
        `add_header content-encoding ${name === "br" ? "br" : "gzip"}; }`,
      ].join(" "),
    ),
  ];
}
