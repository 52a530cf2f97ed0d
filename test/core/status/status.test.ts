import { expect, test } from "vitest";
import { type Confirmation, noConfirmation } from "../../../core/confirmation.ts";
import { sameInAll } from "../../../core/language.ts";
import { civilDays } from "../../../core/time-zone.ts";
import {
  aCheck,
  ago,
  daySeconds,
  modelOf,
  outage,
  type Scene,
  scene,
  service,
  vancouver,
} from "../../helpers/status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");
const longAgo = 100 * daySeconds;
const fine = service("forum", [[longAgo, "up"]]);
const failing = service("mastodon", [
  [longAgo, "up"],
  [760, "down"],
]);

const only = (input: Scene) => {
  const [target] = modelOf(input).targets;
  if (!target) throw new Error("no target is shown");
  return target;
};

test("one service that is down is the sentence, however many work", () => {
  const model = modelOf(scene(now, [fine, failing]));
  expect(model.overall).toEqual({ state: "down", affected: [{ en: "mastodon", fr: "mastodon" }], total: 2 });
  expect(model.targets.map(({ outcome }) => outcome)).toEqual(["up", "down"]);
  expect(model.targets[1]?.since?.toString()).toBe("2026-11-23T18:29:30Z");
});

test("a service that is not measured is neither up nor down in the sentence", () => {
  const blind = service("mastodon", [
    [longAgo, "up"],
    [1500, "unknown"],
  ]);
  const model = modelOf(scene(now, [fine, blind]));
  expect(model.overall.state).toBe("unknown");
  expect(model.targets[1]).toMatchObject({ outcome: "unknown", account: { down: 0, uptime: 1 } });
});

test("silence becomes unknown although the last result was good", () => {
  const model = modelOf(scene(now, [service("mastodon", [[longAgo, "up"]], { lastSecondsAgo: 400 })]));
  expect(model.overall.state).toBe("unknown");
  expect(model.targets[0]?.account.unknown).toBe(340);
  expect(model.checkedAt?.until(now).total("seconds")).toBe(400);
});

test("checked at is the newest run that measured something", () => {
  const blind = service("mastodon", [
    [longAgo, "up"],
    [1500, "unknown"],
  ]);
  const measured = service("forum", [[longAgo, "up"]], { lastSecondsAgo: 33 });
  expect(
    modelOf(scene(now, [blind, measured]))
      .checkedAt?.until(now)
      .total("seconds"),
  ).toBe(33);
  expect(
    modelOf(scene(now, [blind]))
      .checkedAt?.until(now)
      .total("seconds"),
  ).toBe(1500);
});

test("before the first result there is no data, and nothing is claimed", () => {
  const model = modelOf(scene(now, [service("mastodon", [])]));
  expect(model.overall.state).toBe("new");
  expect(model.checkedAt).toBeUndefined();
  expect(model.targets[0]).toMatchObject({ isNew: true, outcome: "unknown", account: { uptime: null } });
  expect(model.targets[0]?.days.every(({ shown }) => shown === "unknown")).toBe(true);
});

test("a service that was added just now does not spoil the sentence of the others", () => {
  expect(modelOf(scene(now, [fine, service("new", [])])).overall.state).toBe("up");
});

test("an outage of a second shows on its day and keeps the uptime below 1", () => {
  const brief = service("mastodon", [
    [longAgo, "up"],
    [10 * daySeconds, "down"],
    [10 * daySeconds - 1, "up"],
  ]);
  const target = only(scene(now, [brief]));
  expect(target.days.filter(({ shown }) => shown === "down")).toHaveLength(1);
  expect(target.account).toMatchObject({ down: 1 });
  expect(target.account.uptime).toBeLessThan(1);
});

test("the bars are civil days of the organisation, and their seconds add up over a change of clocks", () => {
  const input = scene(now, [fine]);
  const target = only(input);
  expect(target.days).toHaveLength(90);
  expect(target.days.at(-1)?.date.toString()).toBe("2026-11-23");
  expect(target.days.at(-1)?.seconds.up).toBe(11 * 3600 + 42 * 60 + 10);
  const toronto = { ...input, days: civilDays("America/Toronto", ago(now, 89 * daySeconds), now) };
  const long = only(toronto).days.find(({ date }) => date.toString() === "2026-11-01");
  expect(long?.seconds.up).toBe(25 * 3600);
});

test("the first day counts from the first result, not from midnight", () => {
  const target = only(scene(now, [service("mastodon", [[5 * 3600, "up"]])]));
  expect(target.days.at(-1)).toMatchObject({ shown: "up", seconds: { up: 5 * 3600 } });
  expect(target.account.coverage).toBeLessThan(0.01);
});

test("a day that was hardly measured is not shown as good", () => {
  const gap = service("mastodon", [
    [longAgo, "up"],
    [3 * daySeconds, "unknown"],
    [1.2 * daySeconds, "up"],
  ]);
  const shown = only(scene(now, [gap])).days.map((day) => day.shown);
  expect(shown.filter((outcome) => outcome === "unknown")).toHaveLength(2);
});

test("a target is down when any of its required checks is, and not for one that is not required", () => {
  const both = service("mastodon", [[longAgo, "up"]], { checks: ["web", "feed"] });
  const input = scene(now, [both]);
  const broken = {
    target: "mastodon",
    check: "feed",
    vantagePoint: "toronto",
    at: ago(now, 3600),
    outcome: "down",
  } as const;
  const known = { ...input, transitions: [...input.transitions, broken] };
  expect(only(known).account.down).toBeGreaterThan(3500);
  const optional = [aCheck("mastodon", "web"), aCheck("mastodon", "feed", { required: false })];
  const relaxed = { ...known, targets: known.targets.map((target) => ({ ...target, checks: optional })) };
  expect(only(relaxed)).toMatchObject({ outcome: "up", account: { down: 0 } });
});

/** Members' pages unmeasured for ten minutes while the queues behind them went on being read. */
function halfBlind(queues: "up" | "down") {
  const past = service("mastodon", [[longAgo, "up"]], { checks: ["web", "queues"] });
  const checks = [aCheck("mastodon", "web"), aCheck("mastodon", "queues", { internal: true })];
  const input = scene(now, [{ ...past, target: { ...past.target, checks } }]);
  const turned = { target: "mastodon", vantagePoint: "toronto", at: ago(now, 600) };
  const news: Scene["transitions"] = [
    { ...turned, check: "web", outcome: "unknown" },
    { ...turned, check: "queues", outcome: queues },
  ];
  return { ...input, transitions: [...input.transitions, ...news], checks: [] };
}

test("queues that are well do not say that a service works whose pages nobody could measure", () => {
  expect(only(halfBlind("up"))).toMatchObject({ outcome: "unknown", account: { unknown: 600, down: 0, uptime: 1 } });
  expect(only(halfBlind("down"))).toMatchObject({ outcome: "down", account: { unknown: 0, down: 600 } });
});

test("a target that is a database or a disk is up by the checks that look into it", () => {
  const input = scene(now, [service("database", [[longAgo, "up"]], { checks: ["growth"] })]);
  const targets = input.targets.map((target) => ({
    ...target,
    checks: [aCheck("database", "growth", { internal: true })],
  }));
  expect(only({ ...input, targets })).toMatchObject({ outcome: "up", account: { unknown: 0 } });
});

test("a service is new until a check of the service itself has come back, however often its queues were read", () => {
  const past = service("mastodon", [[60, "up"]], { checks: ["queues"] });
  const checks = [aCheck("mastodon", "web"), aCheck("mastodon", "queues", { internal: true })];
  const model = modelOf(scene(now, [{ ...past, target: { ...past.target, checks } }, fine]));
  const young = { ...scene(now, [past]), targets: [{ ...past.target, checks }] };
  expect(modelOf(young).overall.state).toBe("new");
  expect(model.targets[0]?.isNew).toBe(false);
});

test("failures that are not confirmed yet are not an outage", () => {
  const start = now.epochMilliseconds - 60_000;
  const level = { on: false, run: 2, runStart: start };
  const pending: Confirmation = {
    ...noConfirmation,
    lastAt: start + 20_000,
    lastKnown: true,
    settledUntil: start,
    degraded: level,
    down: level,
  };
  const input = scene(now, [fine]);
  const model = modelOf({ ...input, checks: input.checks.map((state) => ({ ...state, confirmation: pending })) });
  expect(model.overall.state).toBe("up");
});

test("members see what is public and in service, and incidents they can notice", () => {
  const secret = service("database", [[longAgo, "down"]], { target: { public: false } });
  const planned = service("pixelfed", [], { target: { planned: true } });
  const incidents = [
    outage(now, 3, secret, { startedSecondsAgo: 600 }),
    outage(now, 2, fine, {
      startedSecondsAgo: 500,
      facts: { kind: "threshold", impact: "none", key: "forum/disk:full" },
    }),
    outage(now, 1, failing, { startedSecondsAgo: 760 }),
  ];
  const model = modelOf({ ...scene(now, [fine, failing, secret, planned]), incidents });
  expect(model.targets.map(({ id }) => id)).toEqual(["forum", "mastodon"]);
  expect(model.open.map(({ incident }) => incident.id)).toEqual([1]);
});

test("updates that are not public stay with the team", () => {
  const one = outage(now, 1, failing, { startedSecondsAgo: 760 });
  const note = { incident: 1, at: now, kind: "note", text: { en: "root password", fr: "" }, public: false } as const;
  const model = modelOf({ ...scene(now, [failing]), incidents: [{ ...one, updates: [...one.updates, note] }] });
  expect(model.open[0]?.updates.map(({ kind }) => kind)).toEqual(["confirmed"]);
});

test("incidents resolved more than fourteen days ago are history", () => {
  const incidents = [
    outage(now, 2, fine, { startedSecondsAgo: 13.9 * daySeconds, resolvedSecondsAgo: 13.8 * daySeconds }),
    outage(now, 1, fine, { startedSecondsAgo: 14.3 * daySeconds, resolvedSecondsAgo: 14.1 * daySeconds }),
  ];
  const model = modelOf({ ...scene(now, [fine]), incidents });
  expect(model.recent.map(({ incident }) => incident.id)).toEqual([2]);
});

test("upgrades of the last fourteen days are told, the newest five, of services that members see", () => {
  const secret = service("database", [[longAgo, "up"]], { target: { public: false } });
  const planned = service("wiki", [], { target: { planned: true } });
  const noted = (target: string, days: number, version: string) => ({
    target,
    at: ago(now, days * daySeconds),
    text: sameInAll(`upgraded to ${version}`),
  });
  const annotations = [
    noted("forum", 14.1, "0"),
    ...[7, 6, 5, 4, 3, 2].map((days, index) => noted("forum", days, String(index + 1))),
    noted("database", 1, "18"),
    noted("wiki", 1, "2"),
    noted("gone", 1, "3"),
  ];
  const { upgrades } = modelOf({ ...scene(now, [fine, secret, planned]), annotations });
  expect(upgrades.map(({ name, text }) => `${name.en} ${text.en}`)).toEqual(
    ["6", "5", "4", "3", "2"].map((version) => `forum upgraded to ${version}`),
  );
});

test("a stuck queue makes its service degraded while it lasts, and never hides that we are blind afterwards", () => {
  const facts = { kind: "threshold", impact: "degraded", key: "mastodon/queues:latency" } as const;
  const healthy = service("mastodon", [[longAgo, "up"]]);
  const stuck = { ...scene(now, [healthy]), incidents: [outage(now, 7, healthy, { startedSecondsAgo: 900, facts })] };
  expect(only(stuck)).toMatchObject({ outcome: "degraded", account: { degraded: 900, down: 0, uptime: 1 } });
  expect(modelOf(stuck).overall.state).toBe("degraded");
  const blind = service("mastodon", [
    [longAgo, "up"],
    [300, "unknown"],
  ]);
  const over = outage(now, 7, blind, { startedSecondsAgo: 900, resolvedSecondsAgo: 600, facts });
  expect(only({ ...scene(now, [blind]), incidents: [over] })).toMatchObject({
    outcome: "unknown",
    account: { degraded: 300, unknown: 300 },
  });
});

test("the last change is between two known outcomes; a gap in between is none", () => {
  const gap = service("forum", [
    [longAgo, "up"],
    [7200, "unknown"],
    [3600, "up"],
  ]);
  expect(modelOf(scene(now, [gap])).lastChange).toBeUndefined();
  const model = modelOf(scene(now, [gap, failing]));
  expect(model.lastChange).toMatchObject({ to: "down", target: { en: "mastodon" } });
  expect(model.lastChange?.at.toString()).toBe("2026-11-23T18:29:30Z");
});

test("a check that is no longer configured does not count", () => {
  const input = scene(now, [fine]);
  const removed = {
    target: "forum",
    check: "old",
    vantagePoint: "toronto",
    at: ago(now, 9000),
    outcome: "down",
  } as const;
  expect(only({ ...input, transitions: [...input.transitions, removed] })).toMatchObject({ outcome: "up" });
});

test("the timeline of one target ignores what belongs to the others", () => {
  const incidents = [outage(now, 1, failing, { startedSecondsAgo: 760, facts: { kind: "threshold" } })];
  const [forum, mastodon] = modelOf({ ...scene(now, [fine, failing]), incidents }).targets;
  expect(forum).toMatchObject({ outcome: "up", account: { down: 0, unknown: 0 } });
  expect(mastodon).toMatchObject({ outcome: "down", account: { down: 760 } });
});

test("days of the calendar that this organisation does not share change nothing in the account", () => {
  const target = only({ ...scene(now, [fine]), days: civilDays(vancouver, ago(now, 2 * daySeconds), now) });
  expect(target.account).toMatchObject({ uptime: 1, coverage: 1 });
  expect(target.days).toHaveLength(3);
});
