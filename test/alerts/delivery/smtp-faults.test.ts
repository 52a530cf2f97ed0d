/**
 * Mail servers with a fault: somebody has the page soon where another reader's mail gets through, and within a minute of the
 * end of the fault where none does; nobody gets more than three copies, and the sick channel is known.
 */
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import email from "../../../alerts/channels/email.ts";
import { Secret } from "../../../core/secret.ts";
import { certificate } from "../../helpers/certificates.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { FaultyMailServer, type MailFault, mailFaults } from "../../helpers/faulty-mail-server.ts";
import { Office } from "./office.ts";

const contractor = "contractor@coop.example";
const steps = [
  { afterSeconds: 0, notify: ["contractor"] },
  { afterSeconds: 86_400, notify: ["techops"] },
];

class Scene {
  readonly server: FaultyMailServer;
  readonly office: Office;

  private constructor(server: FaultyMailServer, office: Office) {
    this.server = server;
    this.office = office;
  }

  static async open({ secured = false, expired = false } = {}): Promise<Scene> {
    const clock: FakeClock = new FakeClock(undefined, () => allQuiet(server));
    const server = await FaultyMailServer.start(clock, secured ? (expired ? theirs.expired : theirs.good) : undefined);
    const office = await Office.open(":memory:", clock);
    const trust = `?tls.ca=${encodeURIComponent(theirs.authority.certPem)}`;
    const smtp = secured ? `smtps://127.0.0.1:${server.port}${trust}` : `smtp://127.0.0.1:${server.port}`;
    const options = email.options.parse({ from: "tidewatch@coop.example", smtp: new Secret(smtp) });
    office.real["email"] = { channel: email, options };
    await office.start(["email"], steps);
    return new Scene(server, office);
  }

  /** Seconds after the first try, by the machine's clock that is turned; undefined: nobody yet. */
  get acceptedSeconds(): number | undefined {
    const accepted = this.server.mails.flatMap(({ acceptedSeconds }) => acceptedSeconds ?? []);
    return accepted.length > 0 ? Math.min(...accepted) : undefined;
  }

  /** What may have arrived, of each reader. */
  get copies(): Readonly<Record<string, number>> {
    const arrived = this.server.mails.filter(({ isRefused }) => !isRefused);
    return Object.fromEntries([...Map.groupBy(arrived, ({ to }) => to)].map(([to, mails]) => [to, mails.length]));
  }

  /** A page, and so many seconds. */
  async page(seconds: number): Promise<void> {
    await this.office.escalates();
    await this.office.clock.turn(seconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.office[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Nothing has moved on any connection for a moment: whoever waits, waits for the clock. */
async function allQuiet(server: FaultyMailServer): Promise<void> {
  let seen = -1;
  for (let still = 0; still < 3; still = server.moves === seen ? still + 1 : 0) {
    seen = server.moves;
    for (let round = 0; round < 10; round++) await new Promise<void>((resolve) => setImmediate(resolve));
    await wait(1);
  }
}

const day = 86_400_000;
const theirs = (() => {
  const authority = certificate({ name: "A Test Authority", authority: true });
  const issued = { name: "mail.example", hosts: ["127.0.0.1"], by: authority };
  const validTo = new Date(Date.now() - day);
  return { authority, good: certificate(issued), expired: certificate({ ...issued, validTo }) };
})();

const knowsReader = ({ at }: MailFault) => at === "RCPT" || at === "DATA" || at === "dot";

describe("where another reader's mail gets through, somebody has the page within 30 s: the mail server", () => {
  test.each(mailFaults.filter(([, fault]) => knowsReader(fault)))("%s for one reader", async (_name, fault) => {
    await using scene = await Scene.open();
    scene.server.fault = { ...fault, to: contractor };
    await scene.page(30);
    expect(scene.acceptedSeconds).toBeLessThanOrEqual(30);
    await scene.office.clock.turn(90);
    const [failing] = scene.office.delivery?.failing() ?? [];
    const [page] = await scene.office.store.outbox.of(1);
    // A mailbox that is given up is no sick channel.
    if (page?.state === "dropped") expect(failing).toBeUndefined();
    else expect(failing).toMatchObject({ channel: "email", readers: [{ id: "contractor" }] });
    await scene.office.clock.turn(1200);
    expect(Math.max(...Object.values(scene.copies))).toBeLessThanOrEqual(3);
  });
});

describe("where none gets through, somebody has the page within 60 s of the end: the mail server", () => {
  const lengths = [1, 20, 49];
  test.each(mailFaults.flatMap(([name, fault]) => lengths.map((seconds) => [name, seconds, fault] as const)))(
    "%s for %i s",
    async (_name, seconds, fault) => {
      await using scene = await Scene.open();
      scene.server.fault = fault;
      await scene.page(seconds);
      expect(scene.acceptedSeconds).toBeUndefined();
      scene.server.fault = undefined;
      await scene.office.clock.turn(60);
      expect(scene.acceptedSeconds).toBeLessThanOrEqual(seconds + 60);
      await scene.office.clock.turn(900);
      expect(Math.max(...Object.values(scene.copies))).toBeLessThanOrEqual(3);
      expect(scene.office.delivery?.failing()).toEqual([]);
    },
  );

  /** What leaves no copy behind may last. */
  const harmless = mailFaults.filter(
    ([, { at, does }]) => at !== "dot" || (typeof does === "object" && "answers" in does && /^4/.test(does.answers)),
  );
  test.each(harmless)("%s for ten minutes", async (_name, fault) => {
    await using scene = await Scene.open();
    scene.server.fault = fault;
    await scene.page(120);
    expect(scene.office.delivery?.failing()).toMatchObject([{ channel: "email" }]);
    await scene.office.clock.turn(480);
    scene.server.fault = undefined;
    await scene.office.clock.turn(60);
    expect(scene.acceptedSeconds).toBeLessThanOrEqual(660);
    await scene.office.clock.turn(900);
    expect(Math.max(...Object.values(scene.copies))).toBe(1);
  });

  test.each([15, 3600])("refuses connections for %i s", async (seconds) => {
    await using scene = await Scene.open();
    await scene.server.refuse();
    await scene.page(Math.min(seconds, 119));
    if (seconds > 119) expect(scene.office.delivery?.failing()).toMatchObject([{ channel: "email" }]);
    await scene.office.clock.turn(Math.max(0, seconds - 119));
    await scene.server.listen();
    await scene.office.clock.turn(60);
    expect(scene.acceptedSeconds).toBeLessThanOrEqual(seconds + 60);
    expect(scene.copies).toEqual(seconds > 20 ? { [contractor]: 1, "techops@coop.example": 1 } : { [contractor]: 1 });
  });

  test("has an expired certificate for ten minutes", async () => {
    await using scene = await Scene.open({ secured: true, expired: true });
    await scene.page(119);
    expect(scene.office.delivery?.failing()).toMatchObject([{ channel: "email" }]);
    expect(await scene.office.store.outbox.of(1)).toMatchObject([{ lastError: "certificate has expired" }, {}]);
    await scene.office.clock.turn(481);
    scene.server.certify(theirs.good);
    await scene.office.clock.turn(60);
    expect(scene.acceptedSeconds).toBeLessThanOrEqual(660);
  });
});

describe("an honest mail server that takes its time gets the page", () => {
  test.each([
    ["once, though it greets after 6 s", { at: "greeting", does: { waits: 6 } }, 6, 1],
    ["once, though it greets after 45 s", { at: "greeting", does: { waits: 45 } }, 45, 1],
    ["once, though it greets after 58 s", { at: "greeting", does: { waits: 58 } }, 58, 1],
    ["once, though it answers the dot after 12 s", { at: "dot", does: { waits: 12 } }, 12, 1],
    ["twice at most, though it answers the dot after 90 s", { at: "dot", does: { waits: 90 } }, 90, 2],
    ["three times at most, though it answers the dot after 290 s", { at: "dot", does: { waits: 290 } }, 290, 3],
  ] as const)("%s", async (_name, fault, seconds, most) => {
    await using scene = await Scene.open();
    scene.server.fault = { ...fault, to: contractor };
    // A greeting knows no reader.
    if (fault.at === "greeting") scene.server.fault = fault;
    await scene.page(seconds + 1);
    expect(scene.server.mails.find(({ to }) => to === contractor)?.acceptedSeconds).toBe(seconds);
    await scene.office.clock.turn(3600);
    expect(scene.copies[contractor]).toBe(most);
    expect(await scene.office.told()).toContain("page contractor email sent");
  });
});

test("a mail server that cuts after the dot for ever gets three copies for each reader, and stands there as sick", async () => {
  await using scene = await Scene.open();
  scene.server.fault = { at: "dot", does: "cuts" };
  await scene.page(3600);
  expect(scene.copies).toEqual({ [contractor]: 3, "techops@coop.example": 3 });
  const [failing] = scene.office.delivery?.failing() ?? [];
  expect(failing).toEqual({ channel: "email", seconds: expect.closeTo(3600), why: "Connection closed unexpectedly" });
  const notices = await scene.office.store.outbox.of(1);
  expect(notices.map(({ state, lastError }) => `${state}: ${lastError}`)).toEqual([
    expect.stringMatching(/^pending: not confirmed/),
    expect.stringMatching(/^pending: not confirmed/),
  ]);
});

test("a third copy waits until the mail server answers again, and is the last", async () => {
  await using scene = await Scene.open();
  scene.server.fault = { at: "dot", does: "cuts" };
  await scene.page(10);
  expect(scene.copies[contractor]).toBe(2);
  scene.server.fault = { at: "greeting", does: "hangs" };
  await scene.office.clock.turn(3600);
  expect(scene.copies[contractor]).toBe(2);
  scene.server.fault = undefined;
  await scene.office.clock.turn(60);
  expect(scene.copies[contractor]).toBe(3);
  expect(await scene.office.told()).toContain("page contractor email sent");
  expect(new Set(scene.server.mails.filter(({ to }) => to === contractor).map(({ messageId }) => messageId)).size).toBe(
    1,
  );
});
