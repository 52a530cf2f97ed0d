/**
 * A store in which a newer version left rows of one more kind, channel and column value, in every table: whoever is to be told
 * is told as before, and the strange rows stand apart and stay as they are.
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { noConfirmation } from "../../core/confirmation.ts";
import { expected } from "../../core/heartbeat.ts";
import { sameInAll } from "../../core/language.ts";
import { noticeText } from "../../core/notice.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { check, onCall } from "../alerts/world.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { beginLife } from "../helpers/life.ts";
import { after, noon, noticeOf, opening, sampleAt, transitionAt, web } from "../helpers/store-contract/scene.ts";

const target = (id: string) => ({
  id,
  name: sameInAll(id),
  public: true,
  planned: false,
  capacity: [],
  checks: [check(id, "web", { confirm: { failures: 1, retrySeconds: 20, successes: 1, recoverySeconds: 30 } })],
});

const config = {
  organisation: { name: sameInAll("CoSocial"), languages: ["en", "fr"] as const, timeZone: "America/Vancouver" },
  onCall: {
    contacts: onCall.contacts.map((contact) => ({ ...contact, addresses: { email: `${contact.id}@example.org` } })),
    escalation: [
      { afterSeconds: 0, notify: ["contractor"] },
      { afterSeconds: 120, notify: ["techops"] },
    ],
  },
  targets: [target("mastodon"), target("castopod")],
  channels: { email: {} },
  vantagePoint: "toronto",
  server: {
    public: { host: "127.0.0.1", port: 0 },
    private: { host: "127.0.0.1", port: 0 },
    privateIsShielded: false,
    url: "https://status.example.org",
    metrics: "private",
  },
} as const;

/** What this version writes, of everything; then a newer one adds what only it understands. */
async function writeStrange(file: string): Promise<void> {
  {
    await using store = await openSqliteStore(file);
    const kept = Array.from({ length: 40 }, (_, index) => noticeOf(`strange-${index}`, { notAfter: after(60) }));
    await store.commit({
      samples: [sampleAt(0, { readings: [{ metric: "queue_jobs", value: 1, labels: { queue: "push" } }] })],
      transitions: [transitionAt(-60, "up"), transitionAt(-30, "down")],
      confirmations: [{ ...web, confirmation: noConfirmation }],
      thresholds: [{ ...web, threshold: "full", labels: "{}", state: { raised: true, crossedAt: null } }],
      incidents: [
        opening("mastodon"),
        opening("castopod", (id) => [noticeOf("page-of-castopod", { incident: id })]),
        opening("castopod/old", (id) => [noticeOf("other", { incident: id, channel: "signal" })]),
      ],
      notices: [...kept, noticeOf("robot"), noticeOf("laid-out-anew"), noticeOf("plain")],
      annotations: [{ target: "mastodon", at: noon, text: { en: "upgraded", fr: "mis à niveau" } }],
    });
    await store.requests.write({ at: noon, who: "ana", what: "wake", detail: {} });
    await store.heartbeats.keep({ target: "backup", check: "nightly" }, expected(1));
  }
  using newer = new DatabaseSync(file);
  newer.exec(`
    update notice set kind = 'reminder' where key like 'strange-%';
    update notice set addressee = 'robot' where key = 'robot';
    update notice set
      sections = '[{ "about": "map", "lines": ["What a newer version says."] }]',
      actions = '[{ "kind": "call", "label": "Call", "explanation": "", "url": "https://a.example" }]'
    where key = 'laid-out-anew';
    update incident set impact = 'partial' where key = 'mastodon';
    update incident set kind = 'capacity' where key = 'castopod/old';
    insert into incident_update (incident, at, kind, text, public)
      select id, 1, 'postmortem', '{ "en": "a", "fr": "b" }', 1 from incident where key = 'castopod';
    insert into due (kind, subject, for_whom, due_at, planned_at, state) values ('reminder', '1', '', 1, 1, 'told');
    update transition set outcome = 9 where outcome = 2;
    update threshold set state = '"raised"';
    update annotation set text = '["upgraded"]';
    update reading_series set labels = '["push"]';
    update request set detail = 'wake';
    update heartbeat set state = '{ "phase": "late" }';
  `);
}

const left = {
  notice: "kind = 'reminder' or addressee = 'robot' or channel = 'signal'",
  incident: "impact = 'partial' or kind = 'capacity'",
  incident_update: "kind = 'postmortem'",
  due: "kind = 'reminder'",
  transition: "outcome = 9",
  threshold: "1",
  annotation: "1",
  reading_series: "1",
  request: "1",
  heartbeat: "1",
};

function strangeRowsIn(file: string): Record<string, unknown> {
  using database = new DatabaseSync(file, { readOnly: true });
  return Object.fromEntries(
    Object.entries(left).map(([table, which]) => [
      table,
      database.prepare(`select * from ${table} where ${which}`).all(),
    ]),
  );
}

test("pages go out as before, and the strange rows stand apart", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-strange-"));
  const file = join(folder.path, "tidewatch.db");
  await writeStrange(file);
  const before = strangeRowsIn(file);
  const clock = new FakeClock(noon.toString());
  await using life = await beginLife({ file, clock, config });
  const told = () => life.told.map(({ notice: { kind, to, headline } }) => `${kind} to ${to.id}: ${headline}`);

  await life.settle();
  expect(life.told.map(({ notice }) => notice.key)).toEqual(["page-of-castopod", "laid-out-anew", "plain"]);
  const anew = life.told.find(({ notice }) => notice.key === "laid-out-anew");
  expect(anew && noticeText(anew.notice)).toBe("What a newer version says.\n");

  const [mastodon, castopod] = life.checks;
  if (!mastodon || !castopod) throw new Error("there are two checks");
  for (const outcome of ["down", "up"] as const) {
    for (let round = 0; round < 20; round++) {
      await clock.turn(10);
      life.record(mastodon, outcome === "down" ? { outcome, reason: "answered 502" } : { outcome });
      life.record(castopod, { outcome: "up" });
      await life.settle();
    }
  }
  const ofMastodon = told().filter((line) => line.includes("mastodon"));
  expect(ofMastodon.map((line) => line.split(":")[0])).toEqual([
    "page to contractor",
    "escalation to techops",
    "resolve to contractor",
    "resolve to techops",
  ]);
  const incidents = await life.store.incidents.list({});
  expect(incidents.map(({ key, state }) => `${key} ${state}`)).toEqual(["mastodon resolved", "castopod resolved"]);
  expect(strangeRowsIn(file)).toEqual(before);
  const strange = await life.store.strangeRows(["email"]);
  const others = strange.filter(({ key }) => !key.startsWith("strange-"));
  expect(others.map(({ table, key, why }) => `${table} ${key}: ${why}`)).toEqual([
    'notice other: column channel holds "signal", which this version does not know',
    'notice robot: column addressee holds "robot", which this version does not know',
    'incident 1 mastodon: column impact holds "partial", which this version does not know',
    'incident 3 castopod/old: column kind holds "capacity", which this version does not know',
    'incident_update 4: column kind holds "postmortem", which this version does not know',
    'due reminder 1 : column kind holds "reminder", which this version does not know',
    "threshold mastodon web full: column state holds what this version cannot read",
    `transition mastodon web ${after(-30).epochMilliseconds}: column outcome holds 9, which this version does not know`,
    "reading_series 1 queue_jobs: column labels holds what this version cannot read",
    `annotation mastodon ${noon.epochMilliseconds}: column text holds what this version cannot read`,
    "heartbeat backup nightly: column state holds what this version cannot read",
    "request 1 wake: column detail holds what this version cannot read",
  ]);
  expect(strange.filter(({ key }) => key.startsWith("strange-"))).toHaveLength(40);
  expect(await life.store.outbox.unsent(99)).toHaveLength(1);
});
