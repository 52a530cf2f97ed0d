/**
 * Castopod's background tasks in a real MariaDB: done, late, standing still, left half done, and without the right to
 * read them.
 */
import { readFileSync } from "node:fs";
import { createConnection } from "mysql2/promise";
import { afterAll, describe, expect, test } from "vitest";
import type { Sample } from "../../core/sample.ts";
import { Secret } from "../../core/secret.ts";
import probe from "../../probes/castopod-tasks.ts";
import { castopodDatabase, documentedRights } from "../helpers/castopod-database.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { mariadb, mariadbTest } from "../helpers/mariadb-test.ts";
import { runProbe } from "../helpers/run-probe.ts";

afterAll(async () => {
  if ("server" in mariadb) await mariadb.server[Symbol.asyncDispose]();
});

/** One check that looks again and again, on a clock of its own. */
function watching(url: string, settings: object = {}) {
  const [clock, memory] = [new FakeClock(), new Map<string, unknown>()];
  return {
    clock,
    look: () => runProbe(probe, { url: new Secret(url), ...settings }, { clock, memory }),
  };
}

const reading = (sample: Sample, metric: string, labels: Readonly<Record<string, string>> = {}) =>
  sample.readings?.find(
    (one) => one.metric === metric && Object.entries(labels).every(([name, value]) => one.labels?.[name] === value),
  )?.value;
const jobs = (sample: Sample, queue: string, state: string) => reading(sample, "queue_jobs", { queue, state });
const latency = (sample: Sample, queue: string) => reading(sample, "queue_latency_seconds", { queue });

/** An episode of the podcast 1, published and changed so many seconds ago. */
const episode = (slug: string, { published, changed = published }: { published: number; changed?: number }) =>
  `INSERT INTO cp_episodes (podcast_id, slug, description_markdown, published_at, created_at, updated_at) VALUES
    (1, '${slug}', '', UTC_TIMESTAMP() - INTERVAL ${published} SECOND, UTC_TIMESTAMP() - INTERVAL 1 YEAR,
      UTC_TIMESTAMP() - INTERVAL ${changed} SECOND)`;

const year = 365 * 86_400;

/** What the runbook says to do about messages that were left half sent. */
function remedyOfRunbook(): string {
  const page = readFileSync(new URL("../../docs/runbooks/castopod-tasks.md", import.meta.url), "utf8");
  return /^UPDATE .*;$/m.exec(page)?.[0] ?? "";
}

const otherRights = (database: string) => `GRANT SELECT (id) ON ${database}.pod_podcasts TO 'tidewatch'@'10.0.0.%';`;

describe("a Castopod whose cron does its work", () => {
  mariadbTest("is up without a word when the Fediverse is not used at all", async () => {
    await using castopod = await castopodDatabase();
    const sample = await watching(castopod.url).look();
    expect(sample).toMatchObject({ outcome: "up", evidence: expect.stringContaining("nothing waits") });
    expect(sample.reason).toBeUndefined();
    expect(sample.explanation).toBeUndefined();
    expect(latency(sample, "broadcast")).toBe(0);
    expect(latency(sample, "websub")).toBe(0);
    expect(jobs(sample, "broadcast", "dead")).toBe(0);
    expect(sample.phases).toMatchObject({ connect: expect.any(Number), processing: expect.any(Number) });
  });

  mariadbTest("is up between two runs, and what is planned, came in or was sent does not wait", async () => {
    await using castopod = await castopodDatabase();
    await castopod.queue(50, 20, -3600, -7200);
    await castopod.run("UPDATE cp_fediverse_activities SET status = 'delivered' WHERE id = UNHEX(LPAD('2', 32, '0'))");
    await castopod.queue(year, year);
    // What other servers send has no status; the post of a draft has no moment yet.
    await castopod.run("UPDATE cp_fediverse_activities SET status = NULL WHERE id = UNHEX(LPAD('5', 32, '0'))");
    await castopod.run("UPDATE cp_fediverse_activities SET scheduled_at = NULL WHERE id = UNHEX(LPAD('6', 32, '0'))");
    await castopod.run(episode("next-week", { published: -7 * 86_400, changed: 600 }));
    const sample = await watching(castopod.url).look();
    expect(sample.outcome).toBe("up");
    expect(sample.reason).toBeUndefined();
    expect(jobs(sample, "broadcast", "enqueued")).toBe(1);
    expect(latency(sample, "broadcast")).toBe(50);
    expect(jobs(sample, "broadcast", "scheduled")).toBe(2);
    expect(jobs(sample, "websub", "enqueued")).toBe(0);
  });

  mariadbTest("is late with much at once, and says for how long, but does not stand still", async () => {
    await using castopod = await castopodDatabase();
    await castopod.queue(...Array.from({ length: 65 }, (_, index) => 959 - index));
    const { clock, look } = watching(castopod.url);
    for (let minute = 0; minute < 6; minute++) {
      const sample = await look();
      expect(sample).toMatchObject({
        outcome: "up",
        reason: "broadcast: its oldest job has waited for 15 minutes",
        explanation: {
          en: "New episodes and posts reach followers late: the oldest waiting job is 15 minutes old.",
          fr: "Les nouveaux épisodes et les publications parviennent en retard aux abonnés\u00a0: la plus ancienne tâche attend depuis 15 minutes.",
        },
        evidence: expect.stringContaining(`${65 - 10 * minute} activities to send, the oldest for `),
      });
      expect(sample.evidence).toContain(`: ${7 - minute} min of work at 10 a minute`);
      await castopod.cron();
      await clock.turn(60);
    }
  });
});

describe("a Castopod whose cron has stopped", () => {
  mariadbTest("stands still as soon as the same has waited for five minutes", async () => {
    await using castopod = await castopodDatabase();
    await castopod.queue(850, 30);
    await castopod.run(episode("new", { published: 850 }));
    const { clock, look } = watching(castopod.url);
    expect(await look()).toMatchObject({ outcome: "up", reason: expect.stringContaining("14 minutes") });
    await clock.turn(240);
    expect(await look()).toMatchObject({ outcome: "up" });
    await clock.turn(60);
    const sample = await look();
    expect(sample).toMatchObject({
      outcome: "degraded",
      reason:
        "waiting: 2 activities to send, 1 podcast to announce; none was taken for 5 minutes: does cron call php spark tasks:run?",
      explanation: {
        en: "New episodes and posts of podcasts reach followers and apps late: the oldest waiting job is 14 minutes old.",
        fr: expect.stringContaining(
          "en retard aux abonnés et aux applications\u00a0: la plus ancienne tâche attend depuis 14 minutes.",
        ),
      },
      evidence: expect.stringContaining("2 activities to send, the oldest for 850 s"),
      runbook: "castopod-tasks",
    });
    expect(reading(sample, "queue_stagnant_seconds", { queue: "broadcast" })).toBe(300);
    await castopod.cron();
    const mended = await look();
    expect(mended).toMatchObject({ outcome: "up" });
    expect(mended.reason).toBeUndefined();
  });

  mariadbTest("is told by its hubs alone where nobody follows, and not where they are ignored", async () => {
    await using castopod = await castopodDatabase();
    await castopod.run(episode("new", { published: 100 }));
    const [all, some] = [watching(castopod.url), watching(castopod.url, { ignore: ["websub"] })];
    for (const { clock, look } of [all, some]) {
      await look();
      await clock.turn(300);
    }
    expect(await all.look()).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^waiting: 1 podcast to announce; none was taken/),
    });
    expect(await some.look()).toMatchObject({ outcome: "up" });
  });
});

describe("the hubs of podcast apps", () => {
  mariadbTest("wait for an old episode since it was changed, not since it was published", async () => {
    await using castopod = await castopodDatabase();
    await castopod.run(episode("old", { published: year, changed: 40 }));
    const sample = await watching(castopod.url).look();
    expect(sample.outcome).toBe("up");
    expect(jobs(sample, "websub", "enqueued")).toBe(1);
    expect(latency(sample, "websub")).toBe(40);
  });

  mariadbTest("are told of a podcast once, however many of its episodes are new", async () => {
    await using castopod = await castopodDatabase();
    await castopod.run(`INSERT INTO cp_podcasts (id, handle, description_markdown, published_at, created_at, updated_at)
      SELECT seq, CONCAT('show', seq), '', UTC_TIMESTAMP() - INTERVAL 2 MINUTE, UTC_TIMESTAMP(),
        UTC_TIMESTAMP() - INTERVAL 2 MINUTE FROM (SELECT 1 AS seq UNION SELECT 2) AS numbers`);
    await castopod.run("UPDATE cp_podcasts SET published_at = NULL WHERE id = 2");
    await castopod.run(episode("one", { published: 60 }));
    await castopod.run(episode("two", { published: 2000 }));
    const sample = await watching(castopod.url).look();
    expect(jobs(sample, "websub", "enqueued")).toBe(1);
    expect(sample).toMatchObject({
      reason: "websub: its oldest job has waited for 33 minutes",
      explanation: { en: "Podcast apps hear of new episodes late: the oldest waiting job is 33 minutes old." },
    });
  });
});

describe("a run that dies", () => {
  mariadbTest("leaves what it took, which is known once it has been there for too long", async () => {
    await using castopod = await castopodDatabase();
    await castopod.queue(20, 10);
    await castopod.cron("killed");
    const { clock, look } = watching(castopod.url);
    const first = await look();
    expect(jobs(first, "broadcast", "busy")).toBe(2);
    expect(jobs(first, "broadcast", "abandoned")).toBe(0);
    await clock.turn(300);
    await castopod.queue(5);
    await castopod.cron("killed");
    expect(jobs(await look(), "broadcast", "abandoned")).toBe(0);
    await clock.turn(300);
    const later = await look();
    expect(later).toMatchObject({
      outcome: "up",
      reason: "2 activities left in processing by a run that died: nobody sets them back",
      evidence: expect.stringContaining("3 activities being sent (2 for too long)"),
    });
    expect(jobs(later, "broadcast", "abandoned")).toBe(2);
    await castopod.run(remedyOfRunbook());
    await castopod.cron();
    expect((await look()).reason).toBeUndefined();
  });

  mariadbTest("is taken for alive longer where sending takes longer", async () => {
    await using castopod = await castopodDatabase();
    await castopod.queue(20);
    await castopod.cron("killed");
    const { clock, look } = watching(castopod.url, { stuckAfter: "1h" });
    await look();
    await clock.turn(3599);
    expect(jobs(await look(), "broadcast", "abandoned")).toBe(0);
    await clock.turn(1);
    expect(jobs(await look(), "broadcast", "abandoned")).toBe(1);
  });

  mariadbTest("is counted at most a hundred times", async () => {
    await using castopod = await castopodDatabase();
    await castopod.queue(...Array.from({ length: 130 }, (_, index) => 1000 - index));
    for (let run = 0; run < 13; run++) await castopod.cron("killed");
    const { clock, look } = watching(castopod.url);
    await look();
    await clock.turn(600);
    const sample = await look();
    expect(jobs(sample, "broadcast", "busy")).toBe(130);
    expect(jobs(sample, "broadcast", "abandoned")).toBe(100);
  });
});

mariadbTest("what failed is counted, and what was to be sent within the hour apart", async () => {
  await using castopod = await castopodDatabase();
  await castopod.queue(7200, 3599, 10);
  await castopod.run("UPDATE cp_fediverse_activities SET status = 'failed'");
  const sample = await watching(castopod.url).look();
  expect(sample.outcome).toBe("up");
  expect(jobs(sample, "broadcast", "dead")).toBe(3);
  expect(reading(sample, "queue_dead_recent_jobs")).toBe(2);
});

describe("what our user may see", () => {
  mariadbTest("is the documented columns and nothing else", async () => {
    await using castopod = await castopodDatabase();
    await using connection = await createConnection({ uri: `${castopod.url}/${castopod.name}` });
    const refused = (sql: string) => expect(connection.query(sql), sql).rejects.toThrow(/denied/);
    await refused("SELECT payload FROM cp_fediverse_activities");
    await refused("SELECT description_markdown FROM cp_episodes");
    await refused("SELECT * FROM cp_podcasts");
    await refused("UPDATE cp_fediverse_activities SET status = 'queued'");
    expect(documentedRights()).toHaveLength(3);
  });

  mariadbTest("is nothing without those rights: then nothing was measured, and what to grant is said", async () => {
    await using castopod = await castopodDatabase({ rights: [] });
    expect(await watching(castopod.url).look()).toMatchObject({
      outcome: "unknown",
      reason:
        "our user sees no table cp_fediverse_activities: GRANT it SELECT on the columns that docs/access.md names, or set prefix",
    });
  });

  mariadbTest(
    "is a part with some of them: the rest is measured, and nobody complains of what is ignored",
    async () => {
      await using castopod = await castopodDatabase({ rights: documentedRights().slice(0, 2) });
      await castopod.queue(850);
      const sample = await watching(castopod.url).look();
      expect(sample).toMatchObject({
        outcome: "up",
        reason:
          "broadcast: its oldest job has waited for 14 minutes; not measured: websub (not allowed): GRANT it SELECT on the columns that docs/access.md names",
      });
      expect(latency(sample, "websub")).toBeUndefined();
      const ignoring = await watching(castopod.url, { ignore: ["websub"] }).look();
      expect(ignoring.reason).toBe("broadcast: its oldest job has waited for 14 minutes");
    },
  );

  mariadbTest("is too little when one column is missing", async () => {
    const rights = documentedRights().map((right) => right.replace(", scheduled_at", "").replace(", updated_at", ""));
    await using castopod = await castopodDatabase({ rights });
    expect(await watching(castopod.url).look()).toMatchObject({
      outcome: "unknown",
      reason: expect.stringMatching(/^not measured: broadcast \(not allowed\), websub \(not allowed\): GRANT/),
    });
  });

  mariadbTest("is found by the prefix of its tables, and by the name of the database where there are two", async () => {
    await using one = await castopodDatabase({ prefix: "pod_" });
    expect(await watching(one.url).look()).toMatchObject({
      outcome: "unknown",
      reason: expect.stringContaining("prefix"),
    });
    expect(await watching(one.url, { prefix: "pod_" }).look()).toMatchObject({ outcome: "up" });
    await using two = await castopodDatabase({
      prefix: "pod_",
      rights: [...documentedRights(), otherRights(one.name)],
    });
    expect(await watching(two.url, { prefix: "pod_" }).look()).toMatchObject({
      outcome: "unknown",
      reason: "there is more than one Castopod: name its database at the end of the address",
    });
    await two.queue(50);
    const sample = await watching(`${two.url}/${two.name}`, { prefix: "pod_" }).look();
    expect(latency(sample, "broadcast")).toBe(50);
  });
});

mariadbTest("a table that is locked is left alone after a second, and nothing is made of it", async () => {
  await using castopod = await castopodDatabase();
  await castopod.run("LOCK TABLES cp_fediverse_activities WRITE");
  const sample = await watching(castopod.url).look();
  await castopod.run("UNLOCK TABLES");
  expect(sample).toMatchObject({ outcome: "up", reason: "not measured: broadcast (locked)" });
  expect(jobs(sample, "broadcast", "enqueued")).toBeUndefined();
});

mariadbTest("an older Castopod, which knows no processing and no failure, is understood", async () => {
  await using castopod = await castopodDatabase();
  await castopod.run("ALTER TABLE cp_fediverse_activities MODIFY status ENUM('queued', 'delivered') NULL");
  await castopod.queue(50);
  const sample = await watching(castopod.url).look();
  expect(sample.outcome).toBe("up");
  expect(latency(sample, "broadcast")).toBe(50);
  expect(jobs(sample, "broadcast", "busy")).toBe(0);
});

mariadbTest("a look is four questions at most", async () => {
  await using castopod = await castopodDatabase();
  await castopod.queue(20);
  await castopod.cron("killed");
  await castopod.run("TRUNCATE mysql.general_log; SET GLOBAL log_output = 'TABLE', general_log = 1");
  await watching(castopod.url).look();
  await castopod.run("SET GLOBAL general_log = 0");
  const said = await castopod.column(
    "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE user_host LIKE 'monitor%'",
  );
  const questions = said.filter((each) => each.startsWith("SELECT") && !each.includes("VERSION()"));
  expect(said).toContain("SET SESSION TRANSACTION READ ONLY");
  expect(questions).toHaveLength(4);
});

test("tells somebody of what is late, left behind or failed, by its own runbook", () => {
  const thresholds = (settings: object) =>
    probe.thresholds?.(probe.options.parse({ url: new Secret("mysql://a:b@c"), ...settings })) ?? [];
  expect(thresholds({}).map(({ id, urgency, raiseAt }) => [id, urgency, raiseAt])).toEqual([
    ["late-broadcast", "page", 600],
    ["slow-broadcast", "ticket", 180],
    ["late-websub", "page", 1800],
    ["slow-websub", "ticket", 300],
    ["left-behind", "ticket", 1],
    ["failed", "ticket", 3],
  ]);
  expect(new Set(thresholds({}).map(({ runbook }) => runbook))).toEqual(new Set(["castopod-tasks"]));
  expect(thresholds({ ignore: ["broadcast"] }).map(({ id }) => id)).toEqual(["late-websub", "slow-websub"]);
});

test.each(["cp_`; DROP", "a b", "x".repeat(33)])("refuses %j as a prefix of tables", (prefix) => {
  expect(probe.options.safeParse({ url: new Secret("mysql://a:b@c"), prefix }).success).toBe(false);
});
