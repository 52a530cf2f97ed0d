import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command } from "../../commands/capacity.ts";
import type { Reading, Sample } from "../../core/sample.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";

const gigabyte = 1e9;

interface Disk {
  /** Gigabytes used so many days ago. */
  readonly used: (daysAgo: number) => number;
  readonly days: number;
}

/** A configuration with one database of 100 GB, and a store with a reading at noon of each day and one of now. */
async function setup({ used, days }: Disk) {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await mkdtempDisposable(join(tmpdir(), "tidewatch-capacity-")));
  await writeFile(join(folder.path, "tidewatch.yaml"), configuration);
  const store = resources.use(await openSqliteStore(join(folder.path, "tidewatch.db")));
  const now = Temporal.Now.instant();
  const noon = now.round({ smallestUnit: "hour", roundingMode: "floor" });
  const samples = Array.from({ length: days }, (_, index) => days - 1 - index).map((daysAgo) =>
    sample(noon.subtract({ hours: 24 * daysAgo, minutes: 1 }), used(daysAgo)),
  );
  await store.commit({ samples });
  const kept = resources.move();
  const run = async (...words: readonly string[]) => {
    const written: string[] = [];
    const json = words.includes("--json");
    const code = await command.run(
      {
        values: { config: "tidewatch.yaml", ...(json && { json }) },
        positionals: words.filter((word) => word !== "--json"),
      },
      {
        env: { DATABASE: "postgres://watcher@127.0.0.1:1/mastodon" },
        cwd: folder.path,
        version: "0.0.0",
        stdout: { write: (text: string) => written.push(text) },
        stderr: { write: () => {} },
        signal: new AbortController().signal,
      },
    );
    return { code, output: written.join("") };
  };
  return { run, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const configuration = `
organisation: { name: Test, languages: [en], timeZone: America/Winnipeg }
server: { url: "http://127.0.0.1:8080" }
store: { sqlite: ./tidewatch.db }
targets:
  - id: database
    name: Database
    public: false
    checks:
      - id: growth
        probe: postgres
        every: 5m
        url: { env: DATABASE }
        capacity: 100 GB
        sizes: [ { name: 100 GB, capacity: 100 GB, monthly: 120 }, { name: 160 GB, capacity: 160 GB, monthly: 185 } ]
  - id: web
    name: Web
    checks: [ { id: about, probe: http, url: "http://127.0.0.1:1/" } ]
alerts:
  contacts: []
  escalation: []
`;

function sample(at: Temporal.Instant, gigabytes: number): Sample {
  const used: Reading = { metric: "storage_used_bytes", value: gigabytes * gigabyte, labels: { store: "/" } };
  const part: Reading = {
    metric: "postgres_relation_size_bytes",
    value: gigabytes * 0.2 * gigabyte,
    labels: { relation: "statuses\u001b[2J" },
  };
  return {
    target: "database",
    check: "growth",
    vantagePoint: "here",
    at,
    durationSeconds: 0.1,
    outcome: "up",
    readings: [used, part],
  };
}

test("says how full, until when, what to order, and exits with 1 when it is time to order", async () => {
  await using disk = await setup({ days: 60, used: (daysAgo) => 87 - daysAgo * 0.25 + 0.05 * Math.sin(daysAgo) });
  const { code, output } = await disk.run();
  expect(code).toBe(1);
  expect(output).toMatch(/^database\/growth \(\/\): order a bigger size\n/);
  expect(output).toMatch(/Used {6}8[67]\.?\d* GB of 100 GB \(8[67]\.\d %\) {2}\w{3} \d+, \d\d:\d\d Winnipeg \(UTC-5\)/);
  expect(output).toMatch(/Growth {4}\+2\d\d MB a day/);
  expect(output).toMatch(/Full {6}between \w+ \d+, \d{4} and \w+ \d+, \d{4} \(80 % sure\)/);
  expect(output).toMatch(/Order by {2}now, 14 days before/);
  expect(output).toMatch(/160 GB {2}lasts until .*\$185 a month {2}\$65 more \(\$[\d.]+ for each month gained\)/);
  expect(output).not.toContain("\u001b");
});

test("exits with 0 while there is room", async () => {
  await using disk = await setup({ days: 60, used: () => 40 });
  const { code, output } = await disk.run("database");
  expect(code).toBe(0);
  expect(output).toContain("room enough");
  expect(output).toContain("more than 2 years from now");
  expect(output).not.toContain("Order by");
});

test("machines read dates, bytes and null", async () => {
  await using disk = await setup({ days: 60, used: (daysAgo) => 87 - daysAgo * 0.25 });
  const [report] = JSON.parse((await disk.run("--json")).output);
  expect(report).toMatchObject({
    target: "database",
    check: "growth",
    store: "/",
    state: "order",
    limitBytes: 100 * gigabyte,
    usableBytes: 90 * gigabyte,
    orderBy: "now",
    full: { early: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) },
  });
  await using calm = await setup({ days: 60, used: () => 40 });
  const [other] = JSON.parse((await calm.run("--json")).output);
  expect(other).toMatchObject({ state: "calm", orderBy: null, full: { early: null, mid: null, late: null } });
});

test("four days of readings are too few, and say so", async () => {
  await using disk = await setup({ days: 4, used: (daysAgo) => 87 - daysAgo });
  const { code, output } = await disk.run();
  expect(code).toBe(0);
  expect(output).toContain("too early to say");
  expect(output).toContain("a forecast needs readings of 8 days");
});

test("a target that is misspelt, or has nothing that fills, is refused with the way out", async () => {
  await using disk = await setup({ days: 4, used: () => 40 });
  await expect(disk.run("databse")).rejects.toMatchObject({ name: "Refused", remedy: "Did you mean database?" });
  await expect(disk.run("web")).rejects.toMatchObject({ message: "web has nothing that fills." });
});

test("a store that is not there yet is refused and not made", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-capacity-"));
  await writeFile(join(folder.path, "tidewatch.yaml"), configuration);
  const context = {
    env: { DATABASE: "postgres://watcher@127.0.0.1:1/mastodon" },
    cwd: folder.path,
    version: "0.0.0",
    stdout: { write: () => {} },
    stderr: { write: () => {} },
    signal: new AbortController().signal,
  };
  const args = { values: { config: "tidewatch.yaml" }, positionals: [] };
  for (const _ of [1, 2]) {
    await expect(command.run(args, context)).rejects.toThrow(/there is no store at .*tidewatch\.db/);
  }
});
