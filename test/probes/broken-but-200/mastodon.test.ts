/** What breaks in a Mastodon while its pages answer 200: a plain check is fooled, ours says what it is, in two releases. */
import { describe, expect, test } from "vitest";
import type { Probe } from "../../../core/probe.ts";
import { Secret } from "../../../core/secret.ts";
import { type MastodonSettings, practiceToken, startMastodon } from "../../../practice/stand-ins/mastodon.ts";
import type { Trouble } from "../../../practice/stand-ins/mastodon-troubles.ts";
import type { Condition, StandIn } from "../../../practice/stand-ins/stand-in.ts";
import http from "../../../probes/http.ts";
import mastodon from "../../../probes/mastodon.ts";
import federation from "../../../probes/mastodon-federation.ts";
import media from "../../../probes/mastodon-media.ts";
import search from "../../../probes/mastodon-search.ts";
import signUp from "../../../probes/mastodon-sign-up.ts";
import streaming from "../../../probes/mastodon-streaming.ts";
import timeline from "../../../probes/mastodon-timeline.ts";
import { type Situation, sectionOnPage, situationFaults, situationTable } from "../../helpers/broken-but-200.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { runProbe } from "../../helpers/run-probe.ts";

interface Case {
  readonly situation: string;
  readonly trouble?: Trouble;
  readonly condition?: Condition;
  readonly settings?: MastodonSettings;
  readonly probe: Probe;
  readonly options?: (url: string) => object;
  /** Where a plain check looks; the home page, where nothing is said. */
  readonly plain?: string;
  /** Minutes between a first look and the one that counts. */
  readonly afterMinutes?: number;
}

const token = new Secret(practiceToken);

const cases: readonly Case[] = [
  { situation: "Mastodon is stopped; nginx shows saved copies", condition: "stale", probe: mastodon },
  { situation: "The database is gone; nginx shows saved copies", condition: "no-database", probe: mastodon },
  {
    situation: "The database is gone behind closed timelines; nginx shows saved copies",
    condition: "no-database",
    settings: { feeds: { local: "authenticated", remote: "authenticated" } },
    probe: mastodon,
  },
  { situation: "The web server shows its welcome page", condition: "html", probe: mastodon },
  { situation: "A bot wall stands before the API", trouble: "challenge", probe: mastodon },
  { situation: "A bot wall of no known make stands before the API", trouble: "challenge-of-its-own", probe: mastodon },
  {
    situation: "The site on the domain of the handles has swallowed WebFinger",
    trouble: "domain-taken",
    settings: { domain: "localhost" },
    probe: mastodon,
  },
  { situation: "The co-op’s web site has swallowed WebFinger", trouble: "webfinger-taken", probe: mastodon },
  { situation: "Another program answers NodeInfo", trouble: "other-software", probe: mastodon },
  { situation: "The streaming server is stopped", trouble: "streaming-stopped", probe: streaming },
  { situation: "The proxy sends streaming to the web processes", trouble: "streaming-misrouted", probe: streaming },
  {
    situation: "The proxy answers streaming with the web app",
    trouble: "streaming-page",
    plain: "/api/v1/streaming/health",
    probe: streaming,
  },
  {
    situation: "The proxy does not pass WebSockets on",
    trouble: "streaming-without-upgrade",
    plain: "/api/v1/streaming/health",
    probe: streaming,
  },
  {
    situation: "Streaming cannot reach its database",
    trouble: "streaming-without-database",
    plain: "/api/v1/streaming/health",
    probe: streaming,
    options: () => ({ token }),
  },
  {
    situation: "Streaming has lost Redis and hears nothing",
    trouble: "streaming-deaf",
    plain: "/api/v1/streaming/health",
    probe: streaming,
    options: (url) => ({ metrics: `${url}/metrics` }),
    afterMinutes: 16,
  },
  { situation: "The media bucket refuses everybody", trouble: "bucket-refuses", probe: media },
  { situation: "The media bucket is gone", trouble: "bucket-gone", probe: media },
  { situation: "The media host shows the web app", trouble: "media-page", probe: media },
  { situation: "Media files are empty", trouble: "media-empty", probe: media },
  { situation: "Media files are lost", trouble: "media-missing", probe: media },
  { situation: "The web server may not read media files", trouble: "media-forbidden", probe: media },
  { situation: "An error message stands under the name of each picture", trouble: "media-text", probe: media },
  {
    situation: "A cache gives other servers the web page of the actor",
    trouble: "actor-page",
    plain: "/actor",
    probe: federation,
  },
  { situation: "A firewall refuses deliveries", trouble: "inbox-firewall", probe: federation },
  { situation: "The proxy loses deliveries", trouble: "inbox-lost", probe: federation },
  { situation: "The proxy takes no POST", trouble: "inbox-get-only", probe: federation },
  { situation: "Deliveries reach another web site", trouble: "inbox-page", probe: federation },
  { situation: "Deliveries end in an error", trouble: "inbox-fails", probe: federation },
  {
    situation: "Posts from other servers are not taken in",
    trouble: "feed-late",
    plain: "/api/v1/timelines/public?remote=true",
    probe: timeline,
  },
  {
    situation: "The federated timeline is empty",
    trouble: "feed-empty",
    plain: "/api/v1/timelines/public?remote=true",
    probe: timeline,
  },
  { situation: "Timelines end in an error", trouble: "feed-fails", probe: timeline },
  { situation: "Nobody can ask for a new password", trouble: "password-page-fails", probe: signUp },
  { situation: "Nobody can have a confirmation mail sent again", trouble: "confirmation-page-fails", probe: signUp },
  {
    situation: "The search engine is gone",
    trouble: "search-empty",
    plain: "/api/v2/search?q=meeting",
    probe: search,
    options: () => ({ query: "meeting", token }),
  },
];

async function look(one: Case, settings: MastodonSettings): Promise<Situation> {
  await using server = await startMastodon({
    ...settings,
    ...one.settings,
    ...(one.trouble && { trouble: one.trouble }),
  });
  if (one.condition) await server.become(one.condition);
  const plain = await runProbe(http, { url: `${server.url}${one.plain ?? "/"}` });
  return { situation: one.situation, http: plain, tidewatch: await ours(one, server) };
}

async function ours({ probe, options, afterMinutes = 0 }: Case, { url }: StandIn) {
  const [clock, memory] = [new FakeClock(), new Map()];
  const run = () => runProbe(probe, { url, ...options?.(url) }, { clock, memory });
  if (afterMinutes > 0) await run();
  await clock.turn(afterMinutes * 60);
  return await run();
}

describe.each(["4.5", "4.2"] as const)("Mastodon %s", (version) => {
  test("is up to every check while nothing is broken", async () => {
    for (const { trouble: _trouble, condition: _condition, ...one } of cases) {
      const { situation, tidewatch } = await look(one, { version });
      expect({ situation, ...tidewatch }).toMatchObject({ situation, outcome: "up" });
    }
  });

  test("is found broken in each situation, told from the others, and a plain check sees nothing", async () => {
    const seen = await Promise.all(cases.map((one) => look(one, { version })));
    expect(situationFaults(seen, { atLeast: 12 })).toEqual([]);
    // The older release is told of in the same words.
    const page = version === "4.5" ? sectionOnPage("mastodon", seen) : sectionOnPage("mastodon");
    expect(page).toBe(situationTable(seen));
  });
});
