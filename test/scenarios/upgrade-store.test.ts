/**
 * An upgrade: a store that commit bf0ed29 wrote, opened by today's code in the middle of outages. What bf0ed29 read in
 * it and what it did afterwards is kept beside it (test/fixtures/stores/README.md); today's code reads and does the same.
 */
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Refused } from "../../core/errors.ts";
import { percentile } from "../../core/histogram.ts";
import { noticeText } from "../../core/notice.ts";
import { checkKey, type Finding } from "../../core/sample.ts";
import { parseConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { restoreStore } from "../../store/sqlite/backup.ts";
import { openSqliteStore, readSqliteStore } from "../../store/sqlite/sqlite.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { beginLife } from "../helpers/life.ts";

const State = z.union([z.enum(["up", "degraded", "down", "unknown"]), z.number()]);
type State = z.infer<typeof State>;
const lines = z.array(z.string());
const Made = z.object({
  writtenAt: z.string(),
  /** How each check is found from there on, where that is not well. */
  world: z.record(z.string(), State),
  history: z.record(z.string(), z.unknown()),
  futures: z.array(
    z.object({
      name: z.string(),
      minutes: z.number(),
      changes: z.array(z.object({ after: z.number(), check: z.string(), state: State })).default([]),
      taken: z.array(z.object({ after: z.number(), target: z.string() })).default([]),
      killed: z.array(z.number()).default([]),
      left: lines,
      incidents: lines,
    }),
  ),
});

const fixture = (name: string) => readFile(new URL(`../fixtures/stores/${name}`, import.meta.url));
const made = Made.parse(JSON.parse((await fixture("bf0ed29.json")).toString()));
const backup = gunzipSync(await fixture("bf0ed29.db.gz"));
const config = parseConfig((await fixture("bf0ed29.yaml")).toString(), {
  ...(await loadPlugins()),
  file: "bf0ed29.yaml",
  env: { SMTP_URL: "smtp://mail.coop.example" },
});
const historyDays = 120;
const roundSeconds = 20;

/** A folder with the store in it, as it was written. */
async function setup() {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-upgrade-"));
  const file = join(folder.path, "tidewatch.db");
  await writeFile(file, backup);
  return { folder: folder.path, file, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("the history is read as bf0ed29 read it", async () => {
  await using place = await setup();
  expect(await historyOf(place.file)).toEqual(made.history);
});

test("what bf0ed29 wrote for somebody is sent word for word", async () => {
  await using place = await setup();
  await using store = await openSqliteStore(place.file);
  using database = new DatabaseSync(place.file, { readOnly: true });
  const rows = database.prepare("select key, body from notice where body <> '' order by id desc").all();
  const notices = await store.outbox.recent(rows.length);
  expect(rows.length).toBeGreaterThan(20);
  expect(notices.map((notice) => ({ key: notice.key, body: noticeText(notice) }))).toEqual(
    rows.map((row) => ({ ...row })),
  );
});

describe("after the upgrade, told is who bf0ed29 would have told, at the same moments and once:", () => {
  test.each(made.futures)("$name", async (future) => {
    await using place = await setup();
    const clock = new FakeClock(made.writtenAt);
    const began = clock.now();
    await using life = await beginLife({ file: place.file, clock, config });
    const world = new Map(Object.entries(made.world));
    for (let after = roundSeconds; after <= future.minutes * 60; after += roundSeconds) {
      await clock.turn(roundSeconds);
      for (const { check, state } of future.changes.filter((one) => one.after === after)) world.set(check, state);
      for (const { target } of future.taken.filter((one) => one.after === after)) {
        await life.acknowledge(target, "TechOps");
      }
      if (future.killed.includes(after)) await life.restart();
      for (const check of life.checks) {
        life.record(check, seen(world.get(checkKey({ target: check.target, check: check.id })) ?? "up"));
      }
      await life.settle();
    }
    const left = life.told.map(({ at, notice: { kind, to, channel, thread } }) => {
      const after = Math.round(at.since(began).total("seconds"));
      return `${String(after).padStart(5)} s: ${kind} to ${to.id} by ${channel}, ${thread}`;
    });
    expect(left.toSorted()).toEqual(future.left);
    const incidents = (await life.store.incidents.list({})).toSorted((a, b) => a.id - b.id);
    expect(incidents.map(({ id, target, state }) => `#${id} ${target} ${state}`)).toEqual(future.incidents);
  });
});

test("a backup that bf0ed29 made is restored, and stays the very file it was", async () => {
  await using place = await setup();
  const restored = join(place.folder, "restored", "tidewatch.db");
  await restoreStore(place.file, restored);
  expect(await historyOf(restored)).toEqual(made.history);
  expect((await readFile(place.file)).equals(backup)).toBe(true);
  expect((await readdir(place.folder)).toSorted()).toEqual(["restored", "tidewatch.db"]);
});

test("who only reads is sent away from a store that no newer version has started with, and touches nothing", async () => {
  await using place = await setup();
  await expect(readSqliteStore(place.file)).rejects.toThrow(
    new Refused(
      `${place.file} is of an older Tidewatch`,
      "Start this version with it once; that brings it up to date.",
    ),
  );
  expect((await readFile(place.file)).equals(backup)).toBe(true);
});

function seen(state: State): Finding {
  if (typeof state === "number") return full(state);
  if (state === "up" || state === "unknown") return { outcome: state };
  return { outcome: state, reason: "answered 502" };
}

/** A disk that is full to this share. */
const full = (share: number): Finding => ({
  outcome: "up",
  readings: [
    { metric: "storage_used_bytes", value: Math.round(share * 1e11), labels: { store: "/" } },
    { metric: "storage_limit_bytes", value: 1e11, labels: { store: "/" } },
    { metric: "storage_used_ratio", value: share, labels: { store: "/" } },
  ],
});

/** All that is read of a store, in the words of test/fixtures/stores/make-bf0ed29.mjs. */
async function historyOf(file: string): Promise<Record<string, unknown>> {
  await using store = await openSqliteStore(file);
  const to = Temporal.Instant.from(made.writtenAt);
  const span = { from: to.subtract({ hours: 24 * (historyDays + 2) }), to: to.add({ seconds: 1 }) };
  const checks = config.targets.flatMap((target) => target.checks.map(({ id }) => ({ target: target.id, check: id })));
  const incidents = (await store.incidents.list({})).toSorted((a, b) => a.id - b.id);
  const names = ["action", "session", "heartbeat"];
  const read = {
    checks: await Promise.all(
      checks.map(async (of) => {
        const samples = await store.samples.list(of, { ...span, limit: 100_000 });
        const rollups = await store.rollups(of, "day", span);
        return {
          check: checkKey(of),
          samples: samples.length,
          oldest: samples.at(-1)?.at,
          newest: samples[0],
          days: rollups.map(({ from, seconds: { up, degraded, down, unknown }, runs, failures, latency }) => {
            const p95 = percentile(latency, 0.95);
            return `${from}: ${up} up, ${degraded} degraded, ${down} down, ${unknown} unknown, ${failures} of ${runs} runs failed, 95 % within ${p95} s`;
          }),
        };
      }),
    ),
    transitions: (await store.judgements.transitions(span)).map(
      ({ at, target, check, outcome }) => `${at} ${target}/${check} ${outcome}`,
    ),
    readings: (
      await Promise.all(
        ["storage_used_bytes", "mastodon_info"].map((metric) => store.samples.readings({ metric }, "day", span)),
      )
    ).flat(),
    annotations: await store.annotations.list(span),
    incidents: await Promise.all(
      incidents.map(async (incident) => ({
        incident,
        updates: (await store.incidents.updates(incident.id)).map(({ incident: _, ...update }) => update),
        sent: (await store.outbox.of(incident.id))
          .filter(({ state }) => state === "sent")
          .map(
            ({ kind, to, channel, thread, headline, sentAt }) =>
              `${sentAt} ${kind} to ${to.id} by ${channel}, ${thread}: ${headline}`,
          ),
      })),
    ),
    heartbeats: await store.heartbeats.list(),
    keys: Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, Buffer.from(await store.keys.signing(name)).toString("hex")])),
    ),
    audit: auditOf(file),
  };
  // As the fixture has it: moments as text.
  return z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(read)));
}

/** Nothing but the people of a co-op reads it so far. */
function auditOf(file: string): readonly unknown[] {
  using database = new DatabaseSync(file, { readOnly: true });
  return database.prepare("select at, who, did, detail from audit order by id").all();
}
