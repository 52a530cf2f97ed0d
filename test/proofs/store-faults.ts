/**
 * The real program, to whose store's file something happens as an outage begins: the page arrives all the same, nobody outside
 * hears that all is well, and when the file is back everything stands in it, once.
 */
import { execFileSync } from "node:child_process";
import { linkSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { type Coop, startCoop } from "../helpers/co-op.ts";
import { type RunningProgram, until } from "../helpers/program.ts";
import { randomFrom } from "../helpers/random.ts";
import { type SmallServer, smallServer } from "../helpers/small-server.ts";
import type { Proof } from "./lib/proof.ts";

/** By another process: who closes a file ends the locks that its own process has on it. */
const shell = (script: string, file: string) => execFileSync("sh", ["-c", script, "sh", file]);
const saved = (file: string) => `${file}.saved`;

/** @returns what ends it; nothing where the program gets over it by itself. */
type Fault = (file: string) => (() => void) | undefined;

const damaging =
  (script: string): Fault =>
  (file) => {
    shell(`cp "$1" "$1.saved"; ${script}`, file);
    return () => shell('cat "$1.saved" > "$1"; rm "$1.saved"', file);
  };

const faults: Readonly<Record<string, Fault>> = {
  "moved away"(file) {
    renameSync(file, saved(file));
    return () => renameSync(saved(file), file);
  },
  deleted(file) {
    linkSync(file, saved(file));
    rmSync(file);
    return () => renameSync(saved(file), file);
  },
  exchanged(file) {
    renameSync(file, saved(file));
    using other = new DatabaseSync(file);
    other.exec("create table recipe (name text)");
    return () => renameSync(saved(file), file);
  },
  emptied: damaging('truncate -s 0 "$1"'),
  "cut in half": damaging('truncate -s $(($(stat -c %s "$1") / 2)) "$1"'),
  "overwritten with zeros": damaging('dd if=/dev/zero of="$1" bs=1024 seek=8 count=40 conv=notrunc status=none'),
  "without its log"(file) {
    rmSync(`${file}-wal`);
    return undefined;
  },
  "without the index of its log"(file) {
    rmSync(`${file}-shm`);
    return undefined;
  },
  locked(file) {
    const other = new DatabaseSync(file);
    other.exec("begin immediate");
    return () => other.close();
  },
};

/** On a small disk of its own, where this user may mount one. */
const onSmallDisk: Readonly<Record<string, Fault>> = {
  "on a full disk"(file) {
    shell('dd if=/dev/zero of="$(dirname "$1")/filler" bs=1024 status=none 2> /dev/null || true', file);
    return () => rmSync(join(dirname(file), "filler"));
  },
};

export const proof: Proof = {
  summary: "the store's file emptied, moved, damaged, locked, on a full disk, as outages begin",
  async round(seed, stop) {
    const seen = await faultsAmidOutages(seed, stop);
    return `${seen.join(", ")}: told once, and nothing lost`;
  },
};

/** @returns what happened to the file. */
async function faultsAmidOutages(seed: number, stop: AbortSignal): Promise<readonly string[]> {
  const random = randomFrom(seed);
  await using outside = await smallServer({ "*": { body: "heard" } });
  await using coop = await startCoop(["mastodon"], { more: `heartbeat: { url: "${outside.url}", every: 1s }` });
  const { store: file } = coop.installation;
  using disk = smallDisk(dirname(file));
  const all = Object.entries({ ...faults, ...(disk && onSmallDisk) });
  const order = all.map((fault) => ({ fault, at: random() })).toSorted((a, b) => a.at - b.at);
  // All that a young store holds is in its log: then nothing is lost with the file, and it goes on.
  await (await coop.installation.start()).stop();
  const program = await coop.installation.start();
  const seen: string[] = [];
  for (const {
    fault: [name, begin],
  } of order) {
    stop.throwIfAborted();
    process.stdout.write(`  ${name}\n`);
    await outage({ coop, program, outside, delayMs: random() * 1500, begin: () => begin(file) });
    seen.push(name);
  }
  const counted = [...(await program.metrics())].filter(([series]) => series.startsWith("tidewatch_check_runs_total"));
  expect(await program.stop()).toMatchObject({ code: 0 });
  expect(program.printed()).not.toMatch(/givenUp":[1-9]|samples are lost/);
  if (disk) await expectReadOnlyRefused(coop, disk);

  await using store = await openSqliteStore(file);
  const rows = await store.samples.since(Temporal.Instant.fromEpochMilliseconds(0));
  expect(rows.length).toBeGreaterThanOrEqual(counted.reduce((sum, [, runs]) => sum + runs, 0));
  const incidents = await store.incidents.list({});
  expect(incidents.map(({ state }) => state)).toEqual(seen.map(() => "resolved"));
  return seen;
}

interface Scene {
  readonly coop: Coop;
  readonly program: RunningProgram;
  readonly outside: SmallServer;
  readonly delayMs: number;
  begin(): (() => void) | undefined;
}

async function outage({ coop, program, outside, delayMs, begin }: Scene): Promise<void> {
  const heartbeats = () => outside.requests.length;
  const before = coop.mail.mails().length;
  const told = () =>
    coop.mail
      .mails()
      .slice(before)
      .map(({ text }) => (text.includes("RESOLVED") ? "resolved" : "down"));
  await until(async () => expect((await program.health()).status).toBe(200));
  await coop.service("mastodon").become("errors");
  await wait(delayMs);
  const end = begin();
  await until(() => expect(told()).toEqual(["down"]));
  if (end) {
    await until(async () => expect((await program.health()).status).toBe(503));
    const heard = heartbeats();
    await wait(3000);
    expect(heartbeats(), "heartbeats while nothing can be stored").toBeLessThanOrEqual(heard + 1);
    end();
  }
  await until(async () => expect((await program.health()).status).toBe(200));
  await coop.service("mastodon").become("healthy");
  await until(() => expect(told()).toEqual(["down", "resolved"]));
}

interface Disk extends Disposable {
  remount(how: "ro" | "rw"): void;
}

function smallDisk(folder: string): Disk | undefined {
  try {
    shell('mount -t tmpfs -o size=8m tmpfs "$1" 2> /dev/null', folder);
  } catch {
    process.stdout.write("  without a full and a read-only disk: this user may not mount one\n");
    return undefined;
  }
  return {
    remount: (how) => void shell(`mount -o remount,${how} "$1"`, folder),
    [Symbol.dispose]: () => void shell('umount --lazy "$1"', folder),
  };
}

async function expectReadOnlyRefused(coop: Coop, disk: Disk): Promise<void> {
  disk.remount("ro");
  const program = coop.installation.spawn();
  expect(await program.exited()).toBe(1);
  expect(program.printed()).toMatch(/cannot be opened: its disk is mounted read-only\n/);
  expect(program.printed()).not.toMatch(/bug/);
  disk.remount("rw");
}
