/** The auditor: health follows pages that arrive, whatever else turns. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openAuditor } from "../../../alerts/escalation/auditor.ts";
import { DeliveryError } from "../../../core/errors.ts";
import { silentLog } from "../../../core/log.ts";
import { parseConfig } from "../../../program/config-file.ts";
import { loadPlugins } from "../../../program/plug-ins.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { beginLife, type Life, type LifeOptions } from "../../helpers/life.ts";

const yaml = (escalation: string) => `
organisation: { name: Co-op, timeZone: UTC }
server: { url: "https://status.example" }
targets:
  - { id: database, name: Database, checks: [{ id: connect, probe: tcp, host: 192.0.2.1, port: 5432 }] }
  - id: mastodon
    name: Mastodon
    checks: [{ id: web, probe: http, url: "http://social.example/", dependsOn: [database/connect] }]
alerts:
  contacts: [{ id: contractor, name: Contractor, email: contractor@example.org }]
  email: { from: tidewatch@example.org, smtp: { env: SMTP_URL } }
  escalation: ${escalation}
`;
const plugins = await loadPlugins();
const configOf = (escalation: string) =>
  parseConfig(yaml(escalation), { ...plugins, file: "test.yaml", env: { SMTP_URL: "smtp://mail.example" } });
const usual = "[{ after: 0s, notify: [contractor] }]";

interface Scene extends AsyncDisposable {
  readonly life: Life;
  pass(seconds: number, down: readonly string[]): Promise<void>;
}

async function scene(more: Partial<LifeOptions> = {}): Promise<Scene> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), "tidewatch-auditor-")));
  const clock = new FakeClock();
  const file = join(folder.path, "tidewatch.db");
  const life = undo.use(await beginLife({ file, clock, config: configOf(usual), audited: true, ...more }));
  const held = undo.move();
  return {
    life,
    async pass(seconds, down) {
      for (let passed = 0; passed < seconds; passed += 20) {
        for (const check of life.checks) {
          const isDown = down.includes(check.target);
          life.record(check, isDown ? { outcome: "down", reason: "answered 502" } : { outcome: "up" });
        }
        await life.settle();
        await clock.turn(20);
      }
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const refused = () => {
  throw new DeliveryError("the mail server is full", { verdict: "retry" });
};

test("a page that nobody accepts is a fault two minutes after its confirmation, and none once somebody did", async () => {
  let broken = true;
  await using at = await scene({ onAttempt: () => broken && refused() });
  // Confirmed after 40 s.
  await at.pass(140, ["mastodon"]);
  expect(at.life.fault()).toBeUndefined();
  await at.pass(40, ["mastodon"]);
  expect(at.life.fault()).toBe("nobody has accepted the page of #1 (mastodon)");
  broken = false;
  await at.pass(80, ["mastodon"]);
  expect(at.life.fault()).toBeUndefined();
});

test("a restart gives an old page no new time", async () => {
  await using at = await scene({ onAttempt: refused });
  await at.pass(180, ["mastodon"]);
  await at.life.restart();
  await at.pass(20, ["mastodon"]);
  expect(at.life.fault()).toBe("nobody has accepted the page of #1 (mastodon)");
});

test("what is over, acknowledged or explained by its cause needs nobody", async () => {
  await using over = await scene({ onAttempt: refused });
  await over.pass(60, ["mastodon"]);
  await over.pass(180, []);
  expect(over.life.fault()).toBeUndefined();

  await using taken = await scene({ onAttempt: refused });
  await taken.pass(60, ["mastodon"]);
  await taken.life.acknowledge("mastodon", "contractor");
  await taken.pass(180, ["mastodon"]);
  expect(taken.life.fault()).toBeUndefined();

  await using explained = await scene({ onAttempt: ({ incident }) => incident !== 1 && refused() });
  await explained.pass(60, ["database"]);
  await explained.pass(240, ["database", "mastodon"]);
  expect(await explained.life.store.incidents.list({ open: true })).toHaveLength(2);
  expect(explained.life.fault()).toBeUndefined();
});

test("a status page alone, which tells nobody by intention, is well", async () => {
  await using at = await scene({ config: configOf("[]") });
  await at.pass(240, ["mastodon"]);
  expect(await at.life.store.incidents.list({ open: true })).toHaveLength(1);
  expect(at.life.fault()).toBeUndefined();
});

test("what it cannot read, and what else is looked at, are faults", async () => {
  const clock = new FakeClock();
  const store = await openSqliteStore(":memory:");
  let wrong: string | undefined = "the file is another one";
  const auditor = openAuditor({
    store,
    clock,
    log: silentLog,
    isToldPastStore: () => false,
    tellsNobody: () => false,
    more: [() => wrong],
  });
  const stop = new AbortController();
  const running = auditor.run(stop.signal);
  await clock.turn(0);
  expect(auditor.fault()).toBe("the file is another one");
  wrong = undefined;
  await clock.turn(5);
  expect(auditor.fault()).toBeUndefined();
  await store[Symbol.asyncDispose]();
  await clock.turn(5);
  expect(auditor.fault()).toMatch(/^it cannot be read whether pages arrived: /);
  await clock.turn(60);
  expect(auditor.fault()).toMatch(/^nobody has looked whether pages arrive for \d+ s$/);
  stop.abort();
  await running;
});
