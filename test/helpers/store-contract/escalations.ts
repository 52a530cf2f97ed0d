/** The port of escalations: how every store keeps how far an incident was told, and ends it. */
import { expect, test } from "vitest";
import type { Escalation, EscalationFacts, EscalationState, News } from "../../../core/escalation.ts";
import { sameInAll } from "../../../core/language.ts";
import type { IncidentChange } from "../../../core/store/incidents.ts";
import { after, noon, noticeOf, opening as openingWith, resolving, updateAt } from "./scene.ts";
import type { StoreToTest } from "./store-to-test.ts";

/** Told a moment ago, with nothing planned. */
export function escalationOf(
  incident: number,
  more: Partial<EscalationFacts> = {},
  state: EscalationState = { state: "told" },
): Escalation {
  return {
    incident,
    thread: `incident-${incident}`,
    subject: "Mastodon is down",
    revision: 0,
    foundAt: noon,
    countedFrom: noon,
    told: { steps: 1, afterSeconds: 0 },
    noLaterThan: [],
    news: undefined,
    next: undefined,
    ...more,
    ...state,
  };
}

/** An incident that opens with an escalation. */
export function opening(key: string, escalation: (id: number) => Escalation): IncidentChange {
  const change = openingWith(key);
  if (change.change !== "open") throw new Error("it does not open");
  return { ...change, escalate: (id: number) => ({ escalation: escalation(id) }) };
}

const news: News = {
  facts: {
    key: "mastodon",
    kind: "outage",
    target: "mastodon",
    checks: ["web"],
    impact: "down",
    urgency: "page",
    title: sameInAll("Mastodon is down"),
    explanation: { en: "Pages do not load.", fr: "Les pages ne chargent pas." },
    reason: "answered 502",
    runbook: "service-down",
    startedAt: noon,
    confirmedAt: after(40),
  },
  name: sameInAll("Mastodon"),
  seen: {
    kind: "tries",
    tries: [
      {
        check: "web",
        vantagePoint: "toronto",
        at: noon,
        outcome: "down",
        reason: "answered 502",
        phases: { total: 1.5 },
      },
    ],
    needed: 3,
  },
  membersSee: sameInAll("We know."),
  again: { id: 7, resolvedAt: after(-600) },
  outlasts: { check: "database/connect", isOver: true },
};

export function escalationsContract(open: () => Promise<StoreToTest>): void {
  const states: readonly EscalationState[] = [
    { state: "told" },
    { state: "waiting", until: after(90), candidates: ["database/connect", "cache/ping"] },
    { state: "inhibited", by: "database/connect" },
    { state: "inhibited", by: undefined },
    { state: "silenced", by: "ana" },
    { state: "acknowledged", by: "bo" },
  ];

  test.each(states)("come back as they were written: $state", async (state) => {
    await using store = await open();
    const facts = {
      revision: 3,
      foundAt: after(5),
      countedFrom: after(65),
      told: { steps: 2, afterSeconds: 0.5 },
      noLaterThan: [
        { from: noon, afterSeconds: -1, upToSeconds: 0 },
        { from: after(-5), afterSeconds: 900 },
      ],
      news,
      next: { dueAt: after(900), plannedAt: after(5) },
    };
    const escalation = escalationOf(1, facts, state);
    await store.commit({ incidents: [opening("mastodon", () => escalation)] });
    expect(await store.escalations.of(1)).toEqual(escalation);
    expect(await store.escalations.open()).toEqual([escalation]);
  });

  test("are decided from what the transaction finds: the incident, how far it was told, and its notices", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon", (id) => escalationOf(id))] });
    await store.commit({ notices: [noticeOf("page", { incident: 1, step: { revision: 0, number: 0 } })] });
    let seen: unknown[] = [];
    await store.commit({
      escalations: [
        {
          incident: 1,
          escalate({ incident, escalation, notices }) {
            seen = [incident.key, escalation, notices.map(({ key, step }) => [key, step])];
            return { supersede: ["page"] };
          },
        },
      ],
    });
    expect(seen).toEqual(["mastodon", escalationOf(1), [["page", { revision: 0, number: 0 }]]]);
    expect(await store.outbox.of(1)).toMatchObject([{ state: "superseded" }]);
    await store.commit({ escalations: [{ incident: 7, escalate: () => ({ escalation: escalationOf(7) }) }] });
    expect(await store.escalations.of(7)).toBeUndefined();
  });

  test("end with the incident, and are taken with it by whoever acknowledges it", async () => {
    await using store = await open();
    const next = { dueAt: after(900), plannedAt: noon };
    const plan = (key: string) => opening(key, (id) => escalationOf(id, { next }));
    await store.commit({ incidents: [plan("taken"), plan("over")] });
    await store.incidents.acknowledge(1, "ana", after(90), updateAt(90, "acknowledged"));
    await store.commit({ incidents: [resolving(2)] });
    expect(await store.escalations.open()).toEqual([escalationOf(1, {}, { state: "acknowledged", by: "ana" })]);
    expect(await store.due.next("escalation", 9)).toEqual([]);
  });
}
