/** Castopods that answer 200 on their home page and are broken: what a plain check sees of it, and what ours does. */
import { afterAll, describe, expect, test } from "vitest";
import { Secret } from "../../../core/secret.ts";
import { type CastopodFault, castopodFaults, startCastopod } from "../../../practice/stand-ins/castopod.ts";
import castopod from "../../../probes/castopod.ts";
import tasks from "../../../probes/castopod-tasks.ts";
import http from "../../../probes/http.ts";
import { type Situation, sectionOnPage, situationFaults, situationTable } from "../../helpers/broken-but-200.ts";
import { castopodDatabase } from "../../helpers/castopod-database.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { mariadb, mariadbTest } from "../../helpers/mariadb-test.ts";
import { runProbe } from "../../helpers/run-probe.ts";

const words: Readonly<Record<CastopodFault, string>> = {
  "database-gone": "The database is gone; `/health` does not ask it, and a cache shows the home page",
  "feed-error-page": "An error page stands in place of the feed, with status 200",
  "feed-cut-off": "PHP ran out of memory in the middle of the feed",
  "feed-empty": "The feed has no episode any more",
  "feed-behind": "The feed is kept from before the newest episode",
  "base-url": "`CP_BASEURL` names another host after a move",
  "enclosure-missing": "The newest episode's file is missing",
  "bucket-gone": "The storage bucket is gone",
  "storage-refuses": "The storage's policy lets nobody read",
  "media-host-gone": "`CP_MEDIA_BASEURL` names a host that does not answer",
  "enclosure-page": "The media host answers with its welcome page",
  "enclosure-whole": "The media host gives no parts of files",
  "enclosure-short": "The newest episode's file was cut off while it was uploaded",
  "accounts-as-pages": "A cache gives other servers the web page in place of the account",
  "inbox-closed": "A firewall lets no message of other servers through",
  "episode-page-missing": "The page of the newest episode is missing",
};

async function seen(fault: CastopodFault): Promise<Situation> {
  const clock = new FakeClock();
  await using server = await startCastopod({ now: () => clock.now(), podcasts: ["show"], broken: fault });
  const memory = new Map();
  const look = () => runProbe(castopod, { url: server.url, podcasts: ["show"] }, { clock, memory });
  let tidewatch = await look();
  // A feed may lag behind a page for some minutes, rightly so.
  for (let turn = 0; turn < 2 && tidewatch.outcome === "up"; turn++) {
    await clock.turn(600);
    tidewatch = await look();
  }
  return { situation: words[fault], http: await runProbe(http, { url: server.url, followRedirects: 3 }), tidewatch };
}

/** Every page and feed is as it should be; only the database knows. */
async function cronStopped(): Promise<Situation> {
  const clock = new FakeClock();
  await using server = await startCastopod({ now: () => clock.now() });
  await using database = await castopodDatabase();
  await database.queue(850);
  const memory = new Map();
  const look = () => runProbe(tasks, { url: new Secret(database.url) }, { clock, memory });
  await look();
  await clock.turn(300);
  return {
    situation: "Cron has stopped: an episode is out, and nobody who follows it hears of it",
    http: await runProbe(http, { url: server.url, followRedirects: 3 }),
    tidewatch: await look(),
  };
}

const situations = [
  ...(await Promise.all(castopodFaults.map(seen))),
  ...("server" in mariadb ? [await cronStopped()] : []),
];

afterAll(async () => {
  if ("server" in mariadb) await mariadb.server[Symbol.asyncDispose]();
});

test("each situation is seen, told from the others, and fools a plain check", () => {
  expect(situationFaults(situations, { atLeast: 6 })).toEqual([]);
});

mariadbTest("the page of what a plain check misses is current", () => {
  expect(sectionOnPage("castopod", situations)).toBe(situationTable(situations));
});

describe.each([
  { version: "1.15", counted: false },
  { version: "1.15", counted: true },
  { version: "2.0", counted: false },
] as const)(
  "version $version, with its feed as it writes it (before enclosures OP3: $counted)",
  ({ version, counted }) => {
    test("in health is up, to both", async () => {
      const clock = new FakeClock();
      await using server = await startCastopod({ now: () => clock.now(), version, counted });
      expect(await runProbe(http, { url: server.url })).toMatchObject({ outcome: "up" });
      const sample = await runProbe(castopod, { url: server.url }, { clock });
      expect(sample).toMatchObject({ outcome: "up" });
      expect(sample.reason).toBeUndefined();
      expect(server.requests).toContain("GET /audio/@show/episode-3.mp3");
    });
  },
);

test("the feeds of the two versions differ as their sources do", async () => {
  const feedOf = async (version: "1.15" | "2.0") => {
    await using server = await startCastopod({ version });
    return await (await fetch(`${server.url}/@show/feed.xml`)).text();
  };
  const [first, second] = [await feedOf("1.15"), await feedOf("2.0")];
  expect([first, second].map((feed) => feed.match(/<podcast:[\w]+/g)?.includes("<podcast:medium"))).toEqual([
    true,
    false,
  ]);
  expect([first, second].map((feed) => /<rss xmlns:(\w+)/.exec(feed)?.[1])).toEqual(["itunes", "atom"]);
});
