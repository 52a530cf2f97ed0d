import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { expect, onTestFinished, test, vi } from "vitest";
import { Refused, StoreUnavailable } from "../../../core/errors.ts";
import type { Store } from "../../../core/store/store.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import {
  after,
  maintained,
  noon,
  noticeOf,
  opening,
  sampleAt,
  transitionAt,
  web,
} from "../../helpers/store-contract/scene.ts";

async function setup() {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-store-"));
  return {
    folder: folder.path,
    file: join(folder.path, "tidewatch.db"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const refusal = (opening: Promise<unknown>) =>
  opening.then(
    () => expect.fail("it was not refused"),
    (error: unknown) => {
      if (error instanceof Refused) return `${error.message} | ${error.remedy}`;
      throw error;
    },
  );

test("a store is back as it was after it was closed, and leaves one file", async () => {
  await using place = await setup();
  {
    await using store = await openSqliteStore(place.file);
    await store.commit({ samples: [sampleAt(0)], incidents: [opening("mastodon")], notices: [noticeOf("page")] });
  }
  expect((await readdir(place.folder)).sort()).toEqual(["tidewatch.db", "tidewatch.db.lock"]);
  await using store = await openSqliteStore(place.file);
  expect(await store.samples.latest()).toEqual([sampleAt(0)]);
  expect(await store.incidents.list({ open: true })).toHaveLength(1);
  expect(await store.rollups(web, "hour", { from: noon, to: after(1) })).toMatchObject([{ runs: 1 }]);
});

test("the folder is made, and only its owner may read the file", async () => {
  await using place = await setup();
  const file = join(place.folder, "a", "b", "tidewatch.db");
  await using store = await openSqliteStore(file);
  await store.commit({ samples: [sampleAt(0)] });
  for (const name of ["", "-wal"]) expect((await stat(`${file}${name}`)).mode & 0o077).toBe(0);
});

test("a second Tidewatch on the same file is refused, until the first is gone", async () => {
  await using place = await setup();
  {
    await using _first = await openSqliteStore(place.file);
    expect(await refusal(openSqliteStore(place.file))).toContain("is in use by another Tidewatch | Stop the other");
    expect(await refusal(openSqliteStore(join(place.folder, "x", "..", "tidewatch.db")))).toContain("is in use");
  }
  await using _second = await openSqliteStore(place.file);
});

test("a newer schema is refused, and left as it is", async () => {
  await using place = await setup();
  await (await openSqliteStore(place.file))[Symbol.asyncDispose]();
  using newer = new DatabaseSync(place.file);
  newer.exec("pragma user_version = 9001");
  newer.close();
  expect(await refusal(openSqliteStore(place.file))).toMatch(
    /was written by a newer Tidewatch: its schema is 9001, .* \| Start the newer version again/,
  );
});

test("what is no store is refused, and left as it is", async () => {
  await using place = await setup();
  await writeFile(place.file, "organisation: { name: CoSocial }\n".repeat(100));
  expect(await refusal(openSqliteStore(place.file))).toContain("is not a Tidewatch store | Name another file");
  const other = join(place.folder, "other.db");
  const database = new DatabaseSync(other);
  database.exec("create table recipe (name text)");
  database.close();
  expect(await refusal(openSqliteStore(other))).toContain("is not a Tidewatch store");
  const again = new DatabaseSync(other);
  expect(again.prepare("select name from sqlite_schema").all()).toHaveLength(1);
  again.close();
});

test("a place that cannot be written is refused with what to do", async () => {
  expect(await refusal(openSqliteStore("/dev/null/tidewatch.db"))).toMatch(
    /^the store \/dev\/null\/tidewatch.db cannot be opened: a part of its path is a file .* \| .* `store.sqlite`/,
  );
  await using place = await setup();
  expect(await refusal(openSqliteStore(place.folder))).toContain(`${place.folder} cannot be opened: it is a folder | `);
});

test("damage after an unclean end is noticed", async () => {
  await using place = await setup();
  const bytes = await storeBytes(place.file);
  // A page in the middle, as a failing disk would leave it; and a write-ahead log, as a kill would.
  bytes.fill(0x5a, 4096, 9000);
  await writeFile(place.file, bytes);
  await writeFile(`${place.file}-wal`, "left");
  expect(await refusal(openSqliteStore(place.file))).toMatch(/is damaged .* \| Move it away and restore/);
});

async function storeBytes(file: string): Promise<Uint8Array> {
  {
    await using store = await openSqliteStore(file);
    await store.commit({ samples: Array.from({ length: 500 }, (_, index) => sampleAt(index)) });
  }
  return readFile(file);
}

test("a full disk refuses the commit whole, keeps what is there and goes on when there is room", async () => {
  await using place = await setup();
  const incident = opening("mastodon", (id) => [noticeOf(`page-${id}`, { incident: id })]);
  {
    await using store = await openSqliteStore(place.file, { maxBytes: 150_000 });
    let stored = 0;
    const evidence = "seen ".repeat(400);
    const fill = async () => {
      for (; stored < 1000; stored++) {
        await store.commit({
          samples: [sampleAt(stored, { outcome: "down", evidence })],
          transitions: [transitionAt(stored, "down")],
        });
      }
    };
    await expect(fill()).rejects.toThrow(StoreUnavailable);
    expect(stored).toBeGreaterThan(10);
    const more = { samples: [sampleAt(9999, { check: "new", outcome: "down", evidence })], incidents: [incident] };
    await expect(store.commit(more)).rejects.toThrow("is full");
    expect(await store.samples.list(web, { from: noon, to: after(9999), limit: 9999 })).toHaveLength(stored);
    expect(await store.incidents.list({})).toEqual([]);
    expect(await store.outbox.recent(5)).toEqual([]);
    expect(await store.samples.latest()).toHaveLength(1);
  }
  await using store = await openSqliteStore(place.file);
  await store.commit({ samples: [sampleAt(9999, { check: "new" })], incidents: [incident] });
  expect(await store.samples.latest()).toHaveLength(2);
  expect(await store.outbox.recent(5)).toMatchObject([{ key: "page-1" }]);
});

test("packing makes room again where the file may not grow", async () => {
  await using place = await setup();
  await using store = await openSqliteStore(place.file, { maxBytes: 600_000 });
  const evidence = "seen ".repeat(400);
  let stored = 0;
  for (let hour = 0; hour < 10; hour++) {
    for (let run = 0; run < 60; run++, stored++) {
      await store.commit({ samples: [sampleAt(hour * 3600 + run * 60, { outcome: "down", evidence })] });
    }
    await maintained(store, after((hour + 1) * 3600 + 1000));
  }
  expect(await store.samples.list(web, { from: noon, to: after(1e6), limit: 9999 })).toHaveLength(stored);
});

test("a commit while an hour is being packed is not lost", async () => {
  await using place = await setup();
  await using store = await openSqliteStore(place.file);
  await store.commit({ samples: Array.from({ length: 120 }, (_, index) => sampleAt(index * 60)) });
  const maintaining = store.maintain(after(2 * 3600));
  await store.commit({ samples: [sampleAt(30.5), sampleAt(3630.5)], transitions: [transitionAt(0, "up")] });
  await maintaining;
  await maintained(store, after(4 * 3600));
  expect(await store.samples.list(web, { from: noon, to: after(1e6), limit: 9999 })).toHaveLength(122);
  expect(await store.rollups(web, "hour", { from: noon, to: after(1e6) })).toMatchObject([
    { runs: 61, seconds: { up: 3600 } },
    { runs: 61, seconds: { up: 3540 } },
  ]);
});

test("a read while hours are being derived counts every run once", async () => {
  await using place = await setup();
  await using store = await openSqliteStore(place.file);
  await store.commit({
    samples: Array.from({ length: 600 }, (_, index) => sampleAt(index * 60)),
    transitions: [transitionAt(0, "up")],
  });
  const runs = async (per: "hour" | "day") => {
    const sums = await store.rollups(web, per, { from: after(-86_400), to: after(2 * 86_400) });
    return sums.reduce((total, one) => total + one.runs, 0);
  };
  for (let hour = 1; hour < 40; hour++) {
    const deriving = store.maintain(after(hour * 3600 + 901));
    await new Promise((resolve) => setImmediate(resolve));
    // Keeps the reading thread busy while the hour is written: what is asked now is answered after.
    const before = Array.from({ length: 3 }, () => store.samples.since(after(-1)));
    const reads = Array.from({ length: 8 }, (_, index) => runs(index % 2 === 0 ? "hour" : "day"));
    await Promise.all(before);
    expect(new Set(await Promise.all(reads))).toEqual(new Set([600]));
    await deriving;
  }
});

test("the reading thread ends when nobody asks for half a minute, and the next read starts another", async () => {
  await using place = await setup();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const threads: Worker[] = [];
  const begun = (thread: Worker) => void threads.push(thread);
  process.on("worker", begun);
  onTestFinished(() => void process.off("worker", begun));
  await using store = await openSqliteStore(place.file);
  await store.commit({ samples: [sampleAt(0)] });
  const read = async () => expect(await store.samples.since(after(-1))).toHaveLength(1);
  for (let reads = 0; reads < 3; reads++) {
    await read();
    vi.advanceTimersByTime(29_000);
  }
  expect(threads).toHaveLength(1);
  const over = once(threads[0] ?? new EventEmitter(), "exit");
  vi.advanceTimersByTime(1000);
  await over;
  await Promise.all([read(), read()]);
  expect(threads).toHaveLength(2);
});

test("a read that is under way when the store is closed ends, and none begins after", async () => {
  await using place = await setup();
  const store = await openSqliteStore(place.file);
  await store.commit({ samples: [sampleAt(0)] });
  const reading = store.samples.since(after(-1));
  await store[Symbol.asyncDispose]();
  await expect(reading.then((samples) => samples.length))
    .resolves.toBe(1)
    .catch(() => {});
  await expect(store.samples.since(after(-1))).rejects.toThrow("closed");
});

test("nothing that was acknowledged is lost by a kill, and no commit is torn", async () => {
  await using place = await setup();
  const program = join(import.meta.dirname, "../../fixtures/store/commit-until-killed.ts");
  let expected = 0;
  for (const patience of [3, 40, 7, 90, 20, 1, 60]) {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", program, place.file, `${expected}`],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let heard = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      expected = Math.max(expected, Number(line));
      if (++heard === patience) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    await using store = await openSqliteStore(place.file);
    await checkWhole(store, expected);
    expected = (await store.samples.since(after(-1))).length / 3;
  }
  expect(expected).toBeGreaterThan(200);
});

/** Each commit wrote three samples, a transition, a confirmation and a notice. */
async function checkWhole(store: Store, acknowledged: number): Promise<void> {
  const samples = await store.samples.since(after(-1));
  const commits = samples.length / 3;
  expect(commits).toBeGreaterThanOrEqual(acknowledged);
  expect(Number.isInteger(commits)).toBe(true);
  expect(await store.judgements.transitions({ from: after(-1), to: after(1e9) })).toHaveLength(commits);
  expect(await store.outbox.recent(1e6)).toHaveLength(commits);
  expect(await store.judgements.confirmations()).toMatchObject([{ confirmation: { lastAt: commits } }]);
}

test("120 days of 15 checks that never ran, for practice, are soon derived", async () => {
  await using place = await setup();
  await using store = await openSqliteStore(place.file);
  const start = after(-120 * 86_400);
  const checks = Array.from({ length: 15 }, (_, index) => ({ ...web, check: `check-${index}` }));
  const readings = (value: number) => [{ metric: "storage_used_bytes", value }];
  const began = process.cpuUsage();
  await store.commit({
    transitions: checks.flatMap((series) => [
      { ...series, at: start, outcome: "up" },
      { ...series, at: after(-50 * 3600), outcome: "down" },
      { ...series, at: after(-49.5 * 3600), outcome: "up" },
    ]),
    samples: checks.flatMap((series) => [
      ...Array.from({ length: 120 }, (_, day) =>
        sampleAt((day - 120) * 86_400, { check: series.check, readings: readings(day * 1e9) }),
      ),
      sampleAt(0, { check: series.check }),
    ]),
  });
  const written = workedSeconds(began);
  for (let call = 0; call < 4; call++) await store.maintain(after(1.5 * 3600));
  // Two seconds of work; on a slow machine more, as the writing was.
  expect(workedSeconds(began)).toBeLessThan(Math.max(6, 35 * written));
  const of = { target: "mastodon", check: "check-3" };
  const span = { from: start.subtract({ hours: 24 }), to: after(3600) };
  const days = await store.rollups(of, "day", span);
  expect(days).toHaveLength(121);
  expect(days.reduce((sum, { seconds }) => sum + seconds.down, 0)).toBe(1800);
  expect(days.reduce((sum, { seconds }) => sum + seconds.up, 0)).toBe(120 * 86_400 - 1800);
  const [growth] = await store.samples.readings({ metric: "storage_used_bytes", check: "check-3" }, "day", span);
  expect(growth?.points.map(({ value }) => value)).toEqual(Array.from({ length: 120 }, (_, day) => day * 1e9));
});

function workedSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}
