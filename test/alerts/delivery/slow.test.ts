/** Channels that take long or fail for long: who else is told, what overtakes what, and who is not kept waiting. */
import { describe, expect, test } from "vitest";
import { type Answer, everybody, hangs, Office, refuses, takes } from "./office.ts";

const steps = [
  { afterSeconds: 0, notify: ["contractor"] },
  { afterSeconds: 900, notify: ["techops"] },
];

/** As an answer to this reader, another to everybody else. */
const to =
  (reader: string, answer: Answer, others: Answer = takes): Answer =>
  (notice, context) =>
    (notice.to.id === reader ? answer : others)(notice, context);

/** Takes it after so many seconds. */
const slowly =
  (office: Office, seconds: number): Answer =>
  async (_notice, { signal }) =>
    office.clock.sleep(seconds, signal);

describe("a page that nobody accepts", () => {
  test.each([
    ["has no answer", hangs],
    ["is refused for now", refuses("retry")],
    ["is refused for long", refuses("retry", 600)],
  ] as const)("is told to the next step after 20 s: it %s", async (_name, answer) => {
    await using office = await Office.open();
    office.answers["email"] = to("contractor", answer);
    office.deadlineSeconds = 600;
    await office.start(["email"], steps);
    await office.escalates();
    await office.clock.turn(19);
    expect(office.triedAt("escalation techops")).toEqual([]);
    await office.clock.turn(2);
    expect(office.triedAt("escalation techops")).toEqual([20]);
    expect((await office.told()).at(-1)).toBe("escalation techops email sent");
  });

  test("may still be accepted after that, and then the step after the next keeps its time", async () => {
    await using office = await Office.open();
    office.answers["email"] = to("contractor", slowly(office, 45));
    office.deadlineSeconds = 600;
    await office.start(["email"], [...steps, { afterSeconds: 1800, notify: ["contractor"] }]);
    await office.escalates();
    await office.clock.turn(60);
    expect(await office.told()).toEqual(["page contractor email sent", "escalation techops email sent"]);
    expect(office.triedAt("page contractor")).toEqual([0]);
    await office.clock.turn(1730);
    expect(office.attempts).toHaveLength(2);
    await office.clock.turn(20);
    expect(office.triedAt("escalation contractor")).toEqual([1800]);
  });

  test("goes on to one step after the other, three seconds apart, until somebody accepts one", async () => {
    await using office = await Office.open();
    office.answers["email"] = hangs;
    office.deadlineSeconds = 600;
    const many = ["contractor", "techops", "contractor", "techops", "contractor"];
    await office.start(
      ["email"],
      many.map((one, index) => ({ afterSeconds: 900 * index, notify: [one] })),
    );
    await office.escalates();
    await office.clock.turn(25);
    office.answers["email"] = takes;
    await office.clock.turn(24);
    const first = office.attempts.map(({ name, atSeconds }) => `${atSeconds} ${name}`);
    expect(first.slice(0, 4)).toEqual([
      "0 page contractor",
      "20 escalation techops",
      "23 escalation contractor",
      "26 escalation techops",
    ]);
    expect(first).toHaveLength(4);
  });

  test("is told to nobody else while somebody of the same step accepts it, or acknowledged it", async () => {
    await using office = await Office.open();
    office.answers["email"] = hangs;
    office.deadlineSeconds = 600;
    await office.start(["email", "pager"], steps);
    await office.escalates();
    await office.clock.turn(200);
    expect(await office.told()).toEqual(["page contractor email sending", "page contractor pager sent"]);
  });

  test("waits for no other incident's page that is accepted", async () => {
    await using office = await Office.open();
    office.deadlineSeconds = 600;
    await office.start(["email"], steps);
    const { id } = await office.escalates();
    office.answers["email"] = to("contractor", hangs);
    const stuck = await office.escalates();
    await office.clock.turn(25);
    expect(await office.told(id)).toEqual(["page contractor email sent"]);
    expect(await office.told(stuck.id)).toHaveLength(2);
  });

  test("was tried by a process that died: the next one waits as long again", async () => {
    await using office = await Office.open();
    office.answers["email"] = to("contractor", hangs);
    office.deadlineSeconds = 600;
    await office.start(["email"], steps);
    await office.escalates();
    await office.clock.turn(10);
    await office.stop();
    await office.start(["email"], steps);
    await office.clock.turn(21);
    expect(office.triedAt("escalation techops")).toEqual([30]);
  });
});

describe("an attempt without an answer", () => {
  test("is overtaken after 50 s and goes on: whichever is accepted first is enough, and ends the other", async () => {
    await using office = await Office.open();
    office.deadlineSeconds = 600;
    const cutOff: number[] = [];
    office.answers["email"] = (_notice, { signal }) =>
      office.clock.sleep(70, signal).catch(() => void cutOff.push(office.clock.monotonicSeconds()));
    await office.start(["email"]);
    await office.pages({});
    await office.clock.turn(300);
    expect(office.triedAt("1.0")).toEqual([0, 50]);
    expect(cutOff).toEqual([70]);
    expect(await office.states()).toEqual(["1.0 sent"]);
    expect(office.results).toEqual([{ channel: "email", kind: "page", result: "sent" }]);
  });

  test.each([3600, -3600])("is not overtaken by a wall clock that is set by %i s", async (jump) => {
    await using office = await Office.open();
    office.deadlineSeconds = 600;
    office.answers["email"] = slowly(office, 49);
    await office.start(["email"]);
    await office.pages({});
    await office.clock.turn(20);
    office.clock.jump(jump);
    await office.clock.turn(28);
    expect(office.triedAt("1.0")).toEqual([0]);
    await office.clock.turn(400);
    expect(office.triedAt("1.0")).toEqual([0]);
    expect(await office.states()).toEqual(["1.0 sent"]);
  });

  test("keeps nobody else waiting for more than a few seconds, though fifty hang that came before", async () => {
    await using office = await Office.open();
    office.deadlineSeconds = 600;
    office.answers["email"] = to("contractor", hangs);
    await office.start(["email"]);
    await office.pages(...Array.from({ length: 50 }, (_, index) => ({ thread: `incident-${index}` })));
    await office.clock.turn(10);
    const techops = { to: { kind: "contact", id: "techops" } } as const;
    const late = await office.pages({ ...techops, thread: "other" }, { ...techops, thread: "one more" });
    await office.clock.turn(6);
    expect(await office.states(late.id)).toEqual([`${late.id}.0 sent`, `${late.id}.1 sent`]);
  });

  test("keeps no page of the same thread waiting, but the end waits for whatever may still arrive before it", async () => {
    await using office = await Office.open();
    office.deadlineSeconds = 600;
    office.answers["email"] = (notice, context) =>
      (notice.kind === "ticket" ? slowly(office, 40) : takes)(notice, context);
    await office.start(["email"]);
    await office.pages({ kind: "ticket" }, { kind: "page" }, { kind: "resolve" });
    await office.clock.turn(39);
    expect(await office.states()).toEqual(["1.0 sending", "1.1 sent", "1.2 sending"]);
    expect(office.triedAt("1.1")).toEqual([5]);
    expect(office.triedAt("1.2")).toEqual([]);
    await office.clock.turn(2);
    expect(await office.states()).toEqual(["1.0 sent", "1.1 sent", "1.2 sent"]);
  });

  test("speaks against the channel after 20 s; where others are reached, against its reader alone", async () => {
    await using office = await Office.open();
    office.deadlineSeconds = 600;
    office.answers["email"] = to("contractor", hangs);
    await office.start(["email"]);
    await office.pages({});
    await office.clock.turn(19);
    expect(office.delivery?.failing()).toEqual([]);
    await office.clock.turn(11);
    const why = "no answer within 20 s";
    expect(office.delivery?.failing()).toEqual([{ channel: "email", seconds: 10, why }]);
    await office.pages({ to: { kind: "contact", id: "techops" } });
    const readers = [{ kind: "contact", id: "contractor" }];
    expect(office.delivery?.failing()).toEqual([{ channel: "email", seconds: 10, why, readers }]);
    office.answers["email"] = takes;
    await office.clock.turn(60);
    expect(office.delivery?.failing()).toEqual([]);
  });

  test("lives on after a reload of its channel, and ends soon at a shutdown", async () => {
    await using office = await Office.open();
    office.deadlineSeconds = 600;
    office.answers["email"] = slowly(office, 40);
    await office.start(["email"]);
    await office.pages({});
    await office.delivery?.reconfigure({ channels: office.channels(["email"]), onCall: everybody });
    await office.clock.turn(41);
    expect(await office.states()).toEqual(["1.0 sent"]);
    office.answers["email"] = hangs;
    const second = await office.pages({});
    const stopped = office.stopsGently();
    await office.clock.turn(6);
    await stopped;
    expect(await office.states(second.id)).toEqual([`${second.id}.0 pending`]);
  });
});
