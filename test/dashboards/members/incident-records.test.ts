import fc from "fast-check";
import { expect, test } from "vitest";
import type { Incident } from "../../../core/incident.ts";
import { sameInAll } from "../../../core/language.ts";
import type { IncidentChange } from "../../../core/store/incidents.ts";
import { IncidentReader } from "../../../dashboards/members/incident-records.ts";
import { openSqliteStore, type SqliteStore } from "../../../store/sqlite/sqlite.ts";
import { after, noon, opening, updateAt } from "../../helpers/store-contract/scene.ts";

const targets = ["mastodon", "podcasts", "database"];
const isShown = ({ target }: Incident) => target !== "database";

async function open(store: SqliteStore, target: string, startedAt: Temporal.Instant): Promise<number | undefined> {
  const change = opening(target);
  if (change.change !== "open") throw new Error("not an opening");
  const { opened } = await store.commit({ incidents: [{ ...change, facts: { ...change.facts, startedAt } }] });
  return opened[0]?.id;
}

const joined = (id: number, seconds: number): IncidentChange => ({
  change: "join",
  id,
  check: `check-${seconds}`,
  impact: "down",
  update: updateAt(seconds, "joined"),
});
const resolved = (id: number, seconds: number): IncidentChange => ({
  change: "resolve",
  id,
  at: after(seconds),
  update: updateAt(seconds, "resolved"),
  escalate: () => ({}),
});

const reopened = (id: number, seconds: number): IncidentChange => ({
  change: "reopen",
  id,
  check: "web",
  impact: "down",
  raised: {
    urgency: "page",
    title: sameInAll("Down"),
    explanation: sameInAll("Down."),
    reason: `answered 503 (${seconds})`,
    runbook: "service-down",
  },
  update: updateAt(seconds, "confirmed"),
  escalate: () => ({}),
});

const anyChange = fc.record({
  what: fc.constantFrom("open", "join", "resolve", "reopen", "month"),
  of: fc.constantFrom(...targets),
  began: fc.integer({ min: 0, max: 5000 }),
});

test("reading only what is new or not over yet finds the same as reading everything", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyChange, { maxLength: 3 }), { minLength: 3, maxLength: 10 }),
      async (rounds) => {
        await using store = await openSqliteStore(":memory:");
        const reader = new IncidentReader(store.incidents);
        const unresolved = new Map<string, number>();
        const over = new Map<string, number>();
        let [since, second] = [noon, 0];
        for (const changes of rounds) {
          for (const { what, of, began } of changes) {
            second++;
            const id = unresolved.get(of);
            if (what === "month") since = after(second / 2);
            if (what === "open" && id === undefined) unresolved.set(of, (await open(store, of, after(-began))) ?? 0);
            if (what === "join" && id !== undefined) await store.commit({ incidents: [joined(id, second)] });
            const before = over.get(of);
            if (what === "reopen" && id === undefined && before !== undefined) {
              await store.commit({ incidents: [reopened(before, second)] });
              unresolved.set(of, before);
            }
            if (what === "resolve" && id !== undefined) {
              await store.commit({ incidents: [resolved(id, second)] });
              unresolved.delete(of);
              over.set(of, id);
            }
          }
          const found = await reader.read(since, isShown);
          expect(found).toEqual(await new IncidentReader(store.incidents).read(since, isShown));
          expect((await reader.read(since, isShown)).incidents).toBe(found.incidents);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("what is over is not read again, and the newest thousand are enough", async () => {
  await using store = await openSqliteStore(":memory:");
  for (let number = 0; number < 1003; number++) {
    const id = (await open(store, "mastodon", after(number))) ?? 0;
    if (number < 1002) await store.commit({ incidents: [resolved(id, number)] });
  }
  const reads = { rows: 0, updates: 0 };
  const reader = new IncidentReader({
    get: (id) => store.incidents.get(id),
    async list(filter) {
      const found = await store.incidents.list(filter);
      reads.rows += found.length;
      return found;
    },
    updates(id) {
      reads.updates++;
      return store.incidents.updates(id);
    },
  });
  const first = await reader.read(noon, isShown);
  expect(first.incidents).toHaveLength(1000);
  expect(first.completeSince?.toString()).toBe(after(3).toString());
  expect(reads).toEqual({ rows: 1001, updates: 1000 });
  await store.commit({ incidents: [resolved(1003, 2000)] });
  await open(store, "podcasts", after(2001));
  const second = await reader.read(noon, isShown);
  // And the hundred that may have come back since.
  expect(reads).toEqual({ rows: 1103, updates: 1002 });
  expect(second.incidents.map(({ incident }) => [incident.id, incident.state]).slice(0, 2)).toEqual([
    [1004, "open"],
    [1003, "resolved"],
  ]);
  expect(second.completeSince?.toString()).toBe(after(4).toString());
});
