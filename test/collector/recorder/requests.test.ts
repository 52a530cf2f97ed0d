import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRecorder } from "../../../collector/recorder/recorder.ts";
import type { RequestHandlers } from "../../../collector/recorder/request-answers.ts";
import { silentLog } from "../../../core/log.ts";
import { ask, type RequestAnswer } from "../../../core/store/requests.ts";
import type { Store } from "../../../core/store/store.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { opening } from "../../helpers/store-contract/scene.ts";

const never = new AbortController().signal;

/** A recorder that takes requests until it is ended, and somebody who asks. */
async function recording(store: Store, requests: RequestHandlers) {
  const clock = new FakeClock();
  const logged: string[] = [];
  const recorder = await openRecorder({
    requests,
    store,
    clock,
    log: { ...silentLog, error: (message) => void logged.push(message) },
    checks: [],
    vantagePoint: "toronto",
    judge: { consider: () => undefined, committed: () => undefined },
    onStored() {},
  });
  const stop = new AbortController();
  const running = recorder.run(stop.signal);
  return {
    logged,
    /** What is answered within two seconds. */
    async answers(...whats: readonly string[]): Promise<readonly RequestAnswer[]> {
      const asked = whats.map((what) =>
        ask(store, { at: clock.now(), who: "ana", what, detail: { what } }, { clock, signal: never }),
      );
      for (let step = 0; step < 10; step++) await clock.turn(0.2);
      return Promise.all(asked);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await recorder[Symbol.asyncDispose]();
    },
  };
}

test("requests are taken in order, and each is answered with what follows from it", async () => {
  await using store = await openSqliteStore(":memory:");
  const taken: unknown[] = [];
  await using recorder = await recording(store, {
    open({ who, detail }) {
      taken.push([who, detail]);
      return { answer: { state: "done", result: taken.length }, changes: { incidents: [opening("mastodon")] } };
    },
  });
  expect(await recorder.answers("open", "open")).toEqual([
    { state: "done", result: 1 },
    { state: "done", result: 2 },
  ]);
  expect(taken).toEqual([
    ["ana", { what: "open" }],
    ["ana", { what: "open" }],
  ]);
  expect(await store.incidents.list({})).toHaveLength(1);
});

test("what nobody can do is refused, and so is what fails", async () => {
  await using store = await openSqliteStore(":memory:");
  await using recorder = await recording(store, {
    fails() {
      throw new Error("a bug");
    },
    cannotBeStored: () => ({
      answer: { state: "done" },
      changes: {
        incidents: [
          opening("mastodon", () => {
            throw new Error("no words");
          }),
        ],
      },
    }),
    works: () => ({ answer: { state: "done" } }),
  });
  expect(await recorder.answers("toString", "fails", "cannotBeStored", "works")).toEqual([
    { state: "refused", reason: 'nobody here can do "toString"' },
    { state: "refused", reason: "it failed, and nothing was changed" },
    { state: "refused", reason: "it could not be stored, and nothing was changed" },
    { state: "done" },
  ]);
  expect(recorder.logged).toEqual(["a request could not be answered", "what follows from a request cannot be stored"]);
  expect(await store.incidents.list({})).toEqual([]);
});

test("what was taken by a process that died before it was committed is taken again", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-requests-"));
  const file = join(folder.path, "tidewatch.db");
  const opens: RequestHandlers = {
    open: () => ({ answer: { state: "done" }, changes: { incidents: [opening("mastodon")] } }),
  };
  let request = 0;
  {
    await using store = await openSqliteStore(file);
    // It handles the request, and never comes to commit.
    const dying: Store = Object.create(store, { commit: { value: () => new Promise(() => {}) } });
    let taken = 0;
    const { answers } = await recording(dying, {
      open(asked) {
        taken = asked.id;
        return { answer: { state: "done" }, changes: { incidents: [opening("mastodon")] } };
      },
    });
    void answers("open");
    await expect.poll(() => taken).toBeGreaterThan(0);
    request = (await store.requests.waiting(0, 1))[0]?.id ?? 0;
    expect(await store.requests.answerTo(request)).toBeUndefined();
  }
  await using store = await openSqliteStore(file);
  await using recorder = await recording(store, opens);
  await recorder.answers("open");
  expect(await store.requests.answerTo(request)).toEqual({ state: "done" });
  expect(await store.incidents.list({})).toHaveLength(1);
});
