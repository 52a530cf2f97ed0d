/** Pixelfeds that say OK on their health page and are broken: what a plain check sees of it, and what ours does. */
import { expect, test } from "vitest";
import { type PixelfedFault, pixelfedFaults, startPixelfed } from "../../../practice/stand-ins/pixelfed.ts";
import http from "../../../probes/http.ts";
import pixelfed from "../../../probes/pixelfed.ts";
import { type Situation, sectionOnPage, situationFaults, situationTable } from "../../helpers/broken-but-200.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { runProbe } from "../../helpers/run-probe.ts";

const words: Readonly<Record<PixelfedFault, string>> = {
  "database-gone": "The database is gone; the health page does not ask it",
  "instance-page": "An error page stands in place of the instance document, with status 200",
  "bot-wall": "A bot wall answers apps and servers with a riddle, with status 200",
  "app-url": "`APP_URL` names another host after a move",
  "account-unknown": "WebFinger knows no account of this domain",
  "federation-off": "`ACTIVITY_PUB` is off, as it is by default",
  "inbox-closed": "A firewall lets no message of other servers through",
  "picture-missing": "Pictures are missing in the storage",
  "storage-refuses": "The storage's policy lets nobody read",
  "avatar-host-gone": "Avatars are on a host of their own, which does not answer",
  "picture-page": "The media host answers with its welcome page",
  "bucket-gone": "The storage bucket is gone",
  "posts-stopped": "An account that posts every day has not for weeks",
  "feed-page": "An error page stands in place of the Atom feed, with status 200",
};

async function seen(fault: PixelfedFault): Promise<Situation> {
  const clock = new FakeClock();
  await using server = await startPixelfed({ now: () => clock.now(), broken: fault });
  const health = `${server.url}/api/service/health-check`;
  const settings = { url: server.url, newestWithin: "3d" };
  return {
    situation: words[fault],
    http: await runProbe(http, { url: health, expect: { contains: "OK" } }),
    tidewatch: await runProbe(pixelfed, settings, { clock }),
  };
}

const situations = await Promise.all(pixelfedFaults.map(seen));

test("each situation is seen, told from the others, and fools a plain check", () => {
  expect(situationFaults(situations, { atLeast: 6 })).toEqual([]);
});

test("the page of what a plain check misses is current", () => {
  expect(sectionOnPage("pixelfed", situations)).toBe(situationTable(situations));
});

test.each([
  { version: "0.11", sharedInbox: true },
  { version: "0.11", sharedInbox: false },
  { version: "0.12", sharedInbox: true },
] as const)("in health $version is up, with a shared inbox or without ($sharedInbox)", async (shape) => {
  const clock = new FakeClock();
  await using server = await startPixelfed({ now: () => clock.now(), ...shape });
  const sample = await runProbe(pixelfed, { url: server.url, newestWithin: "3d" }, { clock });
  expect(sample).toMatchObject({ outcome: "up" });
  expect(sample.reason).toBeUndefined();
});
