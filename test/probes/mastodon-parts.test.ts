/** Mastodon's media, federation, timeline and search: policies that are no faults, faults that look like none, hostile bytes. */
import { describe, expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { type MastodonSettings, practiceToken, startMastodon } from "../../practice/stand-ins/mastodon.ts";
import mastodon from "../../probes/mastodon.ts";
import federation from "../../probes/mastodon-federation.ts";
import media from "../../probes/mastodon-media.ts";
import search from "../../probes/mastodon-search.ts";
import signUp from "../../probes/mastodon-sign-up.ts";
import timeline from "../../probes/mastodon-timeline.ts";
import { loadProbes } from "../../program/plug-ins.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { type Answer, type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const token = new Secret(practiceToken);
const versions = ["4.2", "4.5"] as const;
const members = { en: expect.stringMatching(/\.$/), fr: expect.stringMatching(/\.$/) };

async function at(settings: MastodonSettings, probe: Parameters<typeof runProbe>[0], options: object = {}) {
  await using server = await startMastodon(settings);
  return await runProbe(probe, { url: server.url, ...options });
}

describe("media", () => {
  const shows = (avatar: string, thumbnail?: string): Answers => ({
    "/api/v2/instance": asJson({
      domain: "social.example",
      version: "4.5.15",
      ...(thumbnail && { thumbnail: { url: thumbnail } }),
      contact: { account: { username: "admin", avatar } },
    }),
  });

  test.each(versions)("of %s are fetched from a host of their own, by their beginning only", async (version) => {
    await using store = await startMastodon();
    expect(await at({ version, media: store.url }, media)).toMatchObject({ outcome: "up" });
    expect(store.requests).toEqual([expect.stringMatching(/^GET \/system\/accounts\/avatars\//)]);
  });

  /** What a picture begins with. */
  const png = { headers: { "content-type": "image/png" }, body: Buffer.from("\x89PNG\r\n\x1a\n", "latin1") };

  test("whose host is gone are degraded, and Mastodon is not down", async () => {
    const gone = await smallServer({});
    await gone[Symbol.asyncDispose]();
    const sample = await at({ media: gone.url }, media);
    expect(sample).toMatchObject({ outcome: "degraded", explanation: { en: "Pictures and videos do not load." } });
    expect(sample.reason).toMatch(/^media on 127\.0\.0\.1:\d+: refused/);
  });

  test("of the program itself prove nothing: an attachment of a local post is taken, and never a remote one", async () => {
    await using store = await smallServer({ "*": png });
    const attachment = (path: string, remote: string | null) => ({ url: `${store.url}${path}`, remote_url: remote });
    const post = {
      id: "1",
      created_at: "2026-11-23T12:00:00.000Z",
      media_attachments: [attachment("/remote.png", "https://a.example/x.png"), attachment("/local.png", null)],
    };
    await using server = await smallServer({
      ...shows("/avatars/original/missing.png", "/packs/media/images/preview-6399aebd96ccf025654e2977454f168f.png"),
      "/api/v1/timelines/public": asJson([post]),
    });
    expect(await runProbe(media, { url: server.url })).toMatchObject({ outcome: "up" });
    expect(store.requests).toEqual(["GET /local.png"]);
  });

  test("that nobody shows cannot be fetched, which is no fault", async () => {
    await using server = await smallServer({
      ...shows("/avatars/original/missing.png"),
      "/api/v1/timelines/public": { status: 422, ...asJson({ error: "This method requires an authenticated user" }) },
    });
    expect(await runProbe(media, { url: server.url })).toMatchObject({
      outcome: "up",
      reason: "shows no uploaded picture to strangers: name one as `file` to have it fetched",
    });
  });

  test("are not known to be hidden where a bot wall or an error stands before the timeline that shows them", async () => {
    const wall = asHtml("<title>Hello</title><p>Please enable JavaScript and cookies to continue.</p>");
    for (const [answer, reason] of [
      [wall, /^could not look for a picture: blocked: something asks for a browser/],
      [{ status: 500 }, /^could not look for a picture: the timeline answered 500$/],
    ] as const) {
      await using server = await smallServer({
        ...shows("/avatars/original/missing.png"),
        "/api/v1/timelines/public": answer,
      });
      expect(await runProbe(media, { url: server.url })).toMatchObject({
        outcome: "unknown",
        reason: expect.stringMatching(reason),
      });
    }
  });

  test("are not looked for while Mastodon itself is broken", async () => {
    await using server = await startMastodon();
    await server.become("errors");
    expect(await runProbe(media, { url: server.url })).toMatchObject({
      outcome: "unknown",
      reason: "could not look for a picture: the instance document answered 502",
      explanation: { en: "We could not check this part: Mastodon itself does not answer as it should." },
    });
    await server.become("blocked");
    expect(await runProbe(media, { url: server.url })).toMatchObject({
      outcome: "unknown",
      explanation: { en: "We could not check: our monitor was turned away." },
    });
  });

  /** The avatar as given, and one picture in a post, which is the second one to be asked for. */
  async function withFiles(avatar: Answers[string], second?: Answers[string]) {
    await using server = await smallServer({
      ...shows("/system/avatar.png"),
      "/api/v1/timelines/public": asJson(
        second === undefined
          ? []
          : [
              {
                id: "1",
                created_at: "2026-11-23T12:00:00.000Z",
                media_attachments: [{ url: "/system/post.png", remote_url: null }],
              },
            ],
      ),
      "/system/avatar.png": avatar,
      ...(second && { "/system/post.png": second }),
    });
    return await runProbe(media, { url: server.url });
  }
  const missing = { status: 404 };
  const forbidden = asHtml("<center><h1>403 Forbidden</h1></center><hr><center>nginx</center>", 403);
  const errorText = { headers: { "content-type": "image/png" }, body: "upstream connect error or disconnect/reset" };

  test("of which one is missing do not make the storage broken", async () => {
    for (const avatar of [missing, forbidden, errorText, { ...png, body: "" }]) {
      expect(await withFiles(avatar, png)).toMatchObject({
        outcome: "up",
        reason: expect.stringMatching(/; another one is as it should be$/),
      });
    }
  });

  test.each<[string, Answers[string], Answers[string] | undefined, RegExp, string]>([
    [
      "two that are missing",
      missing,
      missing,
      /^a picture that is shown is not on .* \(404\); so it is with another one$/,
      "Pictures and videos do not load.",
    ],
    ["the only one, missing", missing, undefined, /; there is no other to compare$/, "Some pictures do not load."],
    [
      "two that nginx may not read",
      forbidden,
      forbidden,
      /^127\.0\.0\.1:\d+ refuses a picture \(403\) and answers all else: may the web server read it\?/,
      "Pictures and videos may not load.",
    ],
    ["two error messages", errorText, errorText, /gives text under the name/, "Pictures and videos do not load."],
    [
      "noise",
      { ...png, body: new Uint8Array(64) },
      { ...png, body: new Uint8Array(64) },
      /does not begin like one/,
      "Pictures and videos do not load.",
    ],
  ])("%s", async (_what, avatar, second, reason, en) => {
    const sample = await withFiles(avatar, second);
    expect(sample).toMatchObject({ outcome: "degraded", reason: expect.stringMatching(reason), explanation: { en } });
  });

  test.each([
    "\x89PNG\r\n\x1a\n",
    "\xff\xd8\xff\xe0\0\x10JFIF",
    "GIF89a",
    "RIFF\x24\0\0\0WEBPVP8 ",
    "\0\0\0\x1cftypavif",
    "\0\0\0\x20ftypmp42",
  ])("begin as they do: %j", async (start) => {
    const body = Buffer.from(start, "latin1");
    expect(await withFiles({ headers: { "content-type": "image/whatever" }, body })).toMatchObject({ outcome: "up" });
  });

  test("that are slow are slow, and not gone", async () => {
    const clock = new FakeClock();
    await using server = await smallServer({ ...shows("/a.png"), "/a.png": () => void clock.turn(11) });
    expect(await runProbe(media, { url: server.url }, { clock, timeoutSeconds: 30 })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/: no answer within 10 s$/),
      explanation: { en: "Pictures and videos load slowly or not at all." },
    });
  });

  test.each<[string, Answers, string, RegExp]>([
    [
      "missing",
      { "*": { status: 404 } },
      "degraded",
      /^a picture that is shown is not on .* \(404\); there is no other/,
    ],
    ["a bot wall before it", { "*": { status: 403 } }, "unknown", /^blocked: the monitor is refused/],
    ["an error", { "*": { status: 503 } }, "degraded", /^the media host .* answers 503$/],
    ["JSON", { "*": asJson({ error: "no" }) }, "degraded", /gives application\/json in place of a picture;/],
    [
      "a page under the name of a picture",
      { "*": { headers: { "content-type": "image/png" }, body: "<!doctype html><title>x" } },
      "degraded",
      /gives text under the name of a picture;/,
    ],
    [
      "an error of the store with status 200",
      { "*": { headers: { "content-type": "application/xml" }, body: "<Error>\n<Code>SlowDown</Code></Error>" } },
      "degraded",
      /^the media store .* refuses: SlowDown \(200\)$/,
    ],
    ["a picture without a type", { "*": { body: png.body } }, "up", /^$/],
  ])("%s", async (_what, answers, outcome, reason) => {
    await using store = await smallServer(answers);
    await using server = await smallServer(shows(`${store.url}/a.png`));
    const sample = await runProbe(media, { url: server.url });
    expect({ ...sample, reason: sample.reason ?? "" }).toMatchObject({
      outcome,
      reason: expect.stringMatching(reason),
    });
  });

  test.each(["javascript:alert(1)", "file:///etc/passwd", "data:image/png;base64,AA==", "http://[", ""])(
    "at an address like %s are not fetched",
    async (avatar) => {
      await using server = await smallServer({ ...shows(avatar), "/api/v1/timelines/public": asJson([]) });
      expect(await runProbe(media, { url: server.url })).toMatchObject({ outcome: "up" });
    },
  );
});

describe("federation", () => {
  test.each(versions)("of %s is whole, also where only members of allowed servers may read", async (version) => {
    for (const limitedFederation of [false, true]) {
      await using server = await startMastodon({ version, limitedFederation });
      const account = `admin@${new URL(server.url).host}`;
      expect(await runProbe(federation, { url: server.url, account })).toMatchObject({ outcome: "up" });
      expect(server.requests).toContain("POST /inbox");
    }
  });

  const actor = (url: string, change: object = {}) => ({
    headers: { "content-type": "application/activity+json; charset=utf-8" },
    body: JSON.stringify({
      id: `${url}/actor`,
      type: "Application",
      inbox: `${url}/actor/inbox`,
      publicKey: { publicKeyPem: "-----BEGIN PUBLIC KEY-----\nx" },
      ...change,
    }),
  });
  const refusal = { status: 401, ...asJson({ error: "Request not signed" }) };
  async function withAnswers(answers: Answers) {
    await using server = await smallServer({ "/actor": (url) => actor(url), "/inbox": refusal, ...answers });
    return await runProbe(federation, { url: server.url });
  }

  test.each<[string, Answers, string, RegExp]>([
    ["nothing", {}, "up", /^$/],
    ["another refusal", { "/inbox": { status: 400, body: "bad" } }, "up", /^$/],
    ["a share that is used up", { "/inbox": { status: 429 } }, "up", /^$/],
    ["a limit on us", { "/actor": { status: 429 } }, "unknown", /asked to come less often/],
    [
      "another domain",
      { "/actor": (url) => actor(url, { id: "https://old.example/actor" }) },
      "degraded",
      /says it is https:\/\/old\.example/,
    ],
    [
      "an inbox elsewhere",
      { "/actor": (url) => actor(url, { inbox: "https://old.example/inbox" }) },
      "degraded",
      /has its inbox at/,
    ],
    ["no key", { "/actor": (url) => actor(url, { publicKey: null }) }, "degraded", /shows no public key/],
    [
      "plain JSON",
      { "/actor": (url) => ({ ...actor(url), headers: { "content-type": "application/json" } }) },
      "degraded",
      /is application\/json, not application\/activity\+json/,
    ],
    ["no proxy rule", { "/actor": { status: 404 } }, "degraded", /answers 404: the proxy does not pass it on/],
    [
      "a riddle",
      { "/actor": asHtml('<i id="anubis_challenge">') },
      "degraded",
      /^blocked: Anubis .* other servers have none/,
    ],
    [
      "a riddle before the inbox",
      { "/inbox": asHtml('<i id="anubis_challenge">') },
      "degraded",
      /^blocked: Anubis .* before the inbox/,
    ],
    ["a password prompt", { "/inbox": asHtml("<h1>401", 401) }, "degraded", /asks deliveries for a password/],
    [
      "a redirect",
      { "/inbox": { status: 301, headers: { location: "/en/inbox" } } },
      "degraded",
      /redirects to .*: deliveries get lost$/,
    ],
    ["somebody who takes all", { "/inbox": { status: 202 } }, "degraded", /takes what nobody signed \(202\)/],
    [
      "maintenance",
      { "/actor": { status: 503, headers: { "retry-after": "60" } } },
      "degraded",
      /^says it is under maintenance \(503/,
    ],
    ["a server closed for good", { "/actor": { status: 410 } }, "degraded", /closed for good/],
    [
      "nonsense",
      { "/actor": { headers: { "content-type": "application/activity+json" }, body: "[".repeat(9999) } },
      "degraded",
      /is not an actor document/,
    ],
  ])("%s", async (_what, answers, outcome, reason) => {
    const sample = await withAnswers(answers);
    expect({ ...sample, reason: sample.reason ?? "" }).toMatchObject({
      outcome,
      reason: expect.stringMatching(reason),
    });
    if (outcome !== "up") expect(sample.explanation).toEqual(members);
  });

  const nodeInfo = (name: string): Answers => ({
    "/.well-known/nodeinfo": (url) =>
      asJson({ links: [{ rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", href: `${url}/nodeinfo/2.0` }] }),
    "/nodeinfo/2.0": asJson({ software: { name, version: "0.20.2" } }),
  });
  const lacks = { "/actor": { status: 404 }, "/inbox": { status: 404 } };

  test.each<[string, Answers, string, RegExp]>([
    ["GoToSocial", { ...lacks, ...nodeInfo("gotosocial") }, "up", /^is gotosocial, which has no actor of its own/],
    [
      "Akkoma, which shows its app there",
      { "/actor": asHtml("<title>Akkoma"), "/inbox": { status: 400 }, ...nodeInfo("akkoma") },
      "up",
      /^is akkoma/,
    ],
    ["a fork of Mastodon", { ...lacks, ...nodeInfo("hometown") }, "degraded", /answers 404: the proxy/],
    ["another program", { ...lacks, ...nodeInfo("wordpress") }, "degraded", /answers 404: the proxy/],
    [
      "GoToSocial whose inbox fails",
      { ...nodeInfo("gotosocial"), "/actor": { status: 404 }, "/inbox": { status: 502 } },
      "degraded",
      /^the inbox answers 502/,
    ],
  ])("what %s never had is no fault of its", async (_which, answers, outcome, reason) => {
    expect(await withAnswers(answers)).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test("planned work is told as such, of deliveries too", async () => {
    const work = { ...asHtml("<h1>Back at noon", 503), headers: { "retry-after": "600" } };
    for (const answers of [{ "/inbox": work }, { "/actor": work, "/inbox": work }]) {
      expect(await withAnswers(answers)).toMatchObject({
        outcome: "degraded",
        reason: "says it is under maintenance (503, asks to come back in 600 s)",
        explanation: { en: "Mastodon says it is under maintenance." },
      });
    }
  });

  test("an account that may be seen with a signature only is as it should be", async () => {
    const self = (url: string) => `${url}/ap/users/109`;
    const webfinger = (url: string) =>
      asJson({
        subject: `acct:admin@${new URL(url).host}`,
        links: [{ rel: "self", type: "application/activity+json", href: self(url) }],
      });
    await using server = await smallServer({
      "/actor": (url) => actor(url),
      "/inbox": refusal,
      "/.well-known/webfinger": webfinger,
      "/ap/users/109": refusal,
    });
    const account = `admin@${server.host}`;
    expect(await runProbe(federation, { url: server.url, account })).toMatchObject({ outcome: "up" });
    expect(server.requests.at(-1)).toMatch(/^GET \/ap\/users\/109\?_=/);
  });
});

describe("the timeline", () => {
  test("tells how old its newest posts are", async () => {
    const { outcome, readings = [] } = await at({}, timeline);
    expect([outcome, readings[0]?.metric, readings[0]?.labels]).toEqual([
      "up",
      "mastodon_timeline_age_seconds",
      { feed: "remote" },
    ]);
    // The third newest post: one or two alone do not make it fresh.
    // 40 s and two gaps of 90 s, by a clock of whole seconds.
    expect(readings[0]?.value).toBeGreaterThan(215);
    expect(readings[0]?.value).toBeLessThan(225);
  });

  test.each<[string, MastodonSettings, object, RegExp]>([
    [
      "4.2 without previews",
      { version: "4.2", feeds: { local: "authenticated", remote: "authenticated" } },
      {},
      /for members only \(answered 422, a policy\)/,
    ],
    [
      "4.2 in limited federation",
      { version: "4.2", limitedFederation: true },
      {},
      /for members only \(answered 401, a policy\)/,
    ],
    ["4.5 in limited federation", { limitedFederation: true }, {}, /for members only \(answered 401, a policy\)/],
    [
      "4.5 for members only",
      { feeds: { local: "public", remote: "authenticated" } },
      {},
      /for members only \(a policy\)/,
    ],
    ["4.5 switched off", { feeds: { local: "disabled", remote: "disabled" } }, {}, /switched off/],
    ["4.5 switched off, for a member", { feeds: { local: "disabled", remote: "disabled" } }, { token }, /switched off/],
  ])("of %s is never called broken", async (_what, settings, options, reason) => {
    const sample = await at(settings, timeline, options);
    expect(sample).toMatchObject({ outcome: "up", reason: expect.stringMatching(reason) });
  });

  test("is asked for by its own name, so that the other one's policy does not close it", async () => {
    const feeds = { local: "public", remote: "authenticated" } as const;
    expect((await at({ feeds }, timeline, { feed: "local" })).readings).toHaveLength(1);
    expect((await at({ feeds }, timeline, { token })).readings).toHaveLength(1);
  });

  test("a token that is refused is our own business, and not repeated", async () => {
    const wrong = new Secret("a-token-that-was-revoked");
    const sample = await at({ limitedFederation: true }, timeline, { token: wrong });
    expect(sample).toMatchObject({ outcome: "unknown", reason: expect.stringContaining("the token is refused (401)") });
    expect(JSON.stringify(sample)).not.toContain("a-token-that-was-revoked");
  });

  const noon = Date.parse("2026-11-23T12:00:00Z");
  /** Numbered as Mastodon does, or as a relative of it. */
  const posts = (ages: readonly number[], { numbered = true } = {}) =>
    asJson(
      ages.map((age, index) => {
        const at = noon - age * 1000;
        // A post from the future gets the number of the moment it came in.
        const id = numbered ? (BigInt(Math.min(at, noon)) << 16n).toString() : `A${index}`;
        return { id, created_at: new Date(at).toISOString() };
      }),
      { date: new Date(noon).toUTCString() },
    );
  const every = (gap: number, from: number) => Array.from({ length: 40 }, (_, index) => from + index * gap);
  async function withPosts(answers: Answers, clock = new FakeClock()) {
    await using server = await smallServer(answers);
    return await runProbe(timeline, { url: server.url }, { clock });
  }
  /** What is newest, and what came before the same time of other days: the same on each of them. */
  async function onOtherDays(newest: readonly number[], gap: number, options = {}) {
    const answer = (_url: string, path: string) => {
      const [, before] = /[?&]max_id=(\d+)/.exec(path) ?? [];
      if (before === undefined) return posts(newest);
      const hence = (noon - Number(BigInt(before) >> 16n)) / 1000;
      return posts(every(gap, hence + gap));
    };
    await using server = await smallServer({ "/api/v1/timelines/public": answer });
    const sample = await runProbe(timeline, { url: server.url, ...options });
    return { ...sample, asked: server.requests.filter((request) => request.includes("max_id")).length };
  }

  test.each<[string, readonly number[], number, string]>([
    ["one a minute until an hour ago, as on no other day", every(60, 3600), 60, "degraded"],
    ["the same at a time when it pauses for half an hour on other days too", every(60, 3600), 700, "up"],
    ["a relay's burst of forty, and 35 quiet minutes", every(3, 35 * 60), 900, "up"],
    ["one in 170 seconds all evening, and 50 quiet minutes at night", every(170, 50 * 60), 500, "up"],
    ["one every ten minutes until an hour ago", every(600, 3600), 600, "up"],
    ["one every ten minutes until ten hours ago", every(600, 36_000), 600, "degraded"],
    ["one a minute until three days ago", every(60, 3 * 86_400), 60, "degraded"],
  ])("%s", async (_what, newest, gap, outcome) => {
    expect(await onOtherDays(newest, gap)).toMatchObject({ outcome });
  });

  test("is never told to be quiet for longer than it is", async () => {
    expect(await onOtherDays(every(2, 3 * 3600 + 50), 2)).toMatchObject({
      reason: expect.stringMatching(/^no new posts on the remote timeline for 3 hours;/),
      explanation: { en: "No new posts from other servers for 3 hours." },
    });
  });

  test("under maintenance is told to be so", async () => {
    const maintenance = { status: 503, headers: { "retry-after": "600" } };
    expect(await withPosts({ "/api/v1/timelines/public": maintenance })).toMatchObject({
      outcome: "down",
      reason: "says it is under maintenance (503, asks to come back in 600 s)",
      explanation: { en: expect.stringContaining("maintenance") },
    });
  });

  test("behind a bot wall that says only that it wants a browser is not measured", async () => {
    const wall = asHtml("<title>Hello</title><p>Please enable JavaScript and cookies to continue.</p>");
    expect(await withPosts({ "/api/v1/timelines/public": wall })).toMatchObject({
      outcome: "unknown",
      reason: "blocked: something asks for a browser (the timeline answered 200)",
    });
  });

  test("that is quieter than on other days is told of in words that are true", async () => {
    expect(await onOtherDays(every(2, 3 * 3600), 2)).toMatchObject({
      outcome: "degraded",
      reason:
        "no new posts on the remote timeline for 3 hours; the longest pause before this time on other days was less than a minute",
      explanation: {
        en: "No new posts from other servers for 3 hours.",
        fr: "Aucune nouvelle publication d’autres serveurs depuis 3 heures.",
      },
      evidence: expect.stringContaining("and 7 days ago, before this time: 6 s"),
    });
    expect(await onOtherDays([30, ...every(60, 3 * 3600 - 60)], 60)).toMatchObject({
      outcome: "degraded",
      explanation: { en: "Hardly any new posts from other servers for 3 hours." },
    });
    expect(await onOtherDays(every(60, 86_400), 60, { feed: "local" })).toMatchObject({
      explanation: { en: "No new posts from members for 1 day." },
    });
  });

  test("is compared with other days only when it has been quiet for long, and says so when that is usual", async () => {
    expect(await onOtherDays(every(60, 1500), 60)).toMatchObject({ outcome: "up", asked: 0 });
    const { asked, reason } = await onOtherDays(every(3, 35 * 60), 900);
    expect([asked, reason]).toEqual([3, "quiet for 35 minutes, which is not known to be unusual here"]);
  });

  test.each<[string, Answers[string], string]>([
    ["an hour is no fault", posts(every(60, 3600), { numbered: false }), "up"],
    ["two days are one", posts(every(60, 2 * 86_400), { numbered: false }), "degraded"],
    ["one from the future on top of them too", posts([-90_000, ...every(60, 2 * 86_400)]), "degraded"],
    ["a post that is years old changes nothing", posts([9e7, ...every(60, 30)]), "up"],
    ["three posts in all tell nothing", posts([9e5, 9e5, 9e5]), "up"],
  ])("of a server that tells nothing of other days: %s", async (_what, answer, outcome) => {
    expect(await withPosts({ "/api/v1/timelines/public": answer })).toMatchObject({ outcome });
  });

  test("is as fresh as the server's own clock says, whatever ours does", async () => {
    const answers = { "/api/v1/timelines/public": posts(every(60, 30)) };
    const clock = new FakeClock();
    clock.jump(86_400);
    expect(await withPosts(answers, clock)).toMatchObject({ outcome: "up" });
  });

  test("that is empty on a new server is no fault", async () => {
    const answers = (known: number): Answers => ({
      "/api/v1/timelines/public": asJson([]),
      "/api/v1/instance": asJson({ uri: "a.example", version: "4.5.15", stats: { domain_count: known } }),
    });
    expect(await withPosts(answers(3))).toMatchObject({ outcome: "up", reason: expect.stringMatching(/new server/) });
    expect(await withPosts(answers(20_000))).toMatchObject({ outcome: "degraded" });
  });

  test.each<[string, Answers[string], string]>([
    ["a page", asHtml("<h1>"), "a web page stands in place of the timeline (200)"],
    ["something else", asJson({ posts: [] }), "the timeline is not a list of posts"],
    ["posts without a date", asJson([{ id: "1", created_at: "yesterday" }]), "the timeline is not a list of posts"],
    [
      "a cache",
      { ...asJson([]), headers: { "x-cached": "STALE" } },
      "the timeline fails and a cache covers it (x-cached: STALE)",
    ],
    ["nothing there", { status: 404 }, "the timeline answered 404"],
  ])("%s in its place is a fault", async (_what, answer, reason) => {
    expect(await withPosts({ "/api/v1/timelines/public": answer })).toMatchObject({ outcome: "degraded", reason });
  });

  test.each([
    [undefined, {}],
    [token, {}],
    [undefined, { date: "yesterday" }],
  ])("what posts say never gets into our books, be they late, odd or cut off", async (token, odd) => {
    const said = "<p>a private thought</p>";
    const late = every(60, 2 * 86_400).map((age) => ({
      id: `A${age}`,
      created_at: new Date(noon - age * 1000).toISOString(),
      content: said,
      account: { note: said },
      ...("date" in odd && { created_at: odd.date }),
    }));
    for (const body of [late, JSON.stringify(late).slice(0, -20), said]) {
      const answer = asJson(body, { date: new Date(noon).toUTCString() });
      await using server = await smallServer({ "/api/v1/timelines/public": answer });
      const sample = await runProbe(timeline, { url: server.url, token });
      expect(sample.outcome).toBe("degraded");
      expect(JSON.stringify(sample)).not.toContain("thought");
    }
  });

  test("an odd answer is told by its status, type, length and odd place", async () => {
    const answer = asJson([{ id: "1", created_at: "2026-11-23T12:00:00Z" }, { id: 2 }]);
    const sample = await withPosts({ "/api/v1/timelines/public": answer });
    expect(sample.evidence?.split("\n").slice(1)).toEqual([
      "content-type: application/json",
      "length: 57 bytes",
      "1.id is missing or not as expected",
    ]);
  });

  test("that is slow is slow, and not gone", async () => {
    const clock = new FakeClock();
    await using hanging = await smallServer({ "/api/v1/timelines/public": () => void clock.turn(11) });
    expect(await runProbe(timeline, { url: hanging.url }, { clock, timeoutSeconds: 30 })).toMatchObject({
      outcome: "degraded",
      reason: "the timeline: no answer within 10 s",
      explanation: { en: "Timelines load slowly or not at all." },
    });
    await using server = await startMastodon({ slowSeconds: 0.06 });
    await server.become("slow");
    expect(await runProbe(timeline, { url: server.url, maxSeconds: 0.05 })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^the timeline took [\d.]+ s, more than 0\.05 s$/),
      explanation: { en: "Timelines load slowly." },
    });
  });
});

describe("search", () => {
  test("finds what is there", async () => {
    expect(await at({}, search, { query: "meeting", token })).toMatchObject({ outcome: "up" });
    expect(await at({}, search, { query: "admin", type: "accounts" })).toMatchObject({ outcome: "up" });
  });

  test.each<[string, Answers[string], object, string, RegExp]>([
    ["a token is needed", { status: 401, ...asJson({ error: "x" }) }, {}, "unknown", /^search needs a token$/],
    ["a token is refused", { status: 403, ...asJson({ error: "x" }) }, { token }, "unknown", /^the token is refused/],
    ["an error", { status: 500 }, {}, "degraded", /^search answered 500$/],
    ["no results", asJson({}), {}, "degraded", /^search answered 200, but no results$/],
  ])("%s", async (_what, answer, options, outcome, reason) => {
    await using server = await smallServer({ "*": answer });
    const sample = await runProbe(search, { url: server.url, query: "x", ...options });
    expect(sample).toMatchObject({ outcome, reason: expect.stringMatching(reason), explanation: members });
  });

  test.each([{ token }, {}])("never keeps what it finds, be it odd, an error or nothing", async (options) => {
    const found = { accounts: [{ note: "a private note" }], statuses: [], hashtags: [] };
    const answers: Answer[] = [
      asJson({ accounts: found.accounts }),
      asJson(found),
      { status: 401, ...asJson(found) },
      { status: 403, ...asJson(found) },
      { status: 500, ...asJson(found) },
      { headers: { "content-type": "text/plain" }, body: "a private note" },
    ];
    for (const answer of answers) {
      await using server = await smallServer({ "*": answer });
      const sample = await runProbe(search, { url: server.url, query: "x", ...options });
      expect(sample.outcome).not.toBe("up");
      expect(sample.evidence).toContain("content-type: ");
      expect(JSON.stringify(sample)).not.toContain("private note");
    }
  });

  test("asks for the engine only where nothing else could have answered", async () => {
    await using server = await startMastodon({ trouble: "search-empty" });
    const sample = await runProbe(search, { url: server.url, query: "admin", type: "accounts" });
    expect(sample).toMatchObject({ outcome: "degraded", reason: "search finds no accounts where there are some" });
  });
});

describe("the pages for mails of an account", () => {
  const form = (action: string) => asHtml(`<form class="simple_form" action="${action}" method="post"><input>`);
  const instance = asJson({ domain: "social.example", version: "4.5.15" });
  async function withPages(password: Answers[string], options: Parameters<typeof runProbe>[2] = {}) {
    await using server = await smallServer({
      "/api/v2/instance": instance,
      "/auth/password/new": password,
      "/auth/confirmation/new": form("/auth/confirmation"),
    });
    return await runProbe(signUp, { url: server.url }, options);
  }

  test.each(versions)("of %s are opened, with what no cache has", async (version) => {
    await using server = await startMastodon({ version });
    expect(await runProbe(signUp, { url: server.url })).toMatchObject({ outcome: "up" });
    expect(server.requests.map((request) => request.replace(/\?_=.*/, "?_"))).toEqual([
      "GET /api/v2/instance",
      "GET /auth/password/new?_",
      "GET /auth/confirmation/new?_",
    ]);
  });

  test.each<[string, Answers[string], string, RegExp]>([
    ["an error", asHtml("<h1>We're sorry", 500), "degraded", /^the page for a new password answered 500$/],
    [
      "a cache that covers",
      { ...asHtml("<h1>"), headers: { "x-cached": "STALE" } },
      "degraded",
      /fails and a cache covers it/,
    ],
    [
      "planned work",
      { status: 503, headers: { "retry-after": "60" } },
      "degraded",
      /^says it is under maintenance \(503/,
    ],
    ["a riddle", asHtml('<i id="anubis_challenge">'), "unknown", /^blocked: Anubis/],
    ["a limit", { status: 429 }, "unknown", /asked to come less often/],
    [
      "a riddle that refuses",
      { status: 403, headers: { "cf-mitigated": "challenge" } },
      "unknown",
      /^blocked: Cloudflare/,
    ],
    ["a sign-on elsewhere", { status: 302, headers: { location: "https://sso.example/" } }, "up", /\(answered 302\)/],
    ["a door that is closed to strangers", asHtml("<h1>403", 403), "up", /\(answered 403\): not judged$/],
    ["a relative of Mastodon that has no such page", { status: 404 }, "up", /\(answered 404\): not judged$/],
    ["a page of somebody else", asHtml("<h1>Sign in with the co-op"), "up", /\(a page without its form\)/],
    ["the form, at an address of its own", form("https://social.example/auth/password"), "up", /^$/],
  ])("%s", async (_what, password, outcome, reason) => {
    const sample = await withPages(password);
    expect({ ...sample, reason: sample.reason ?? "" }).toMatchObject({
      outcome,
      reason: expect.stringMatching(reason),
    });
    if (outcome !== "up") expect(sample.explanation).toEqual(members);
  });

  test("that are slow are not judged", async () => {
    const clock = new FakeClock();
    const slow = await withPages(() => void clock.turn(6), { clock, timeoutSeconds: 20 });
    expect(slow).toMatchObject({
      outcome: "up",
      reason: "the page for a new password: no answer within 5 s, so not judged",
    });
  });

  test("are not looked for while Mastodon itself is broken", async () => {
    await using server = await startMastodon();
    await server.become("errors");
    expect(await runProbe(signUp, { url: server.url })).toMatchObject({ outcome: "unknown", explanation: members });
  });
});

test("all standard checks together use a small part of what Mastodon allows one address, 300 API questions in 5 minutes", async () => {
  await using server = await startMastodon();
  const probes = await loadProbes();
  const asked = async ({ probe: name, every, id: _id, ...settings }: Readonly<Record<string, unknown>>) => {
    const before = server.requests.length;
    const probe = probes[String(name)];
    if (!probe) throw new Error(`no probe ${String(name)}`);
    expect(await runProbe(probe, settings)).toMatchObject({ outcome: "up" });
    const api = server.requests.slice(before).filter((request) => / \/api\//.test(request)).length;
    return api * Math.max(1, 300 / Number.parseInt(String(every), 10) / (String(every).endsWith("m") ? 60 : 1));
  };
  let sum = 0;
  for (const check of mastodon.kind?.checks({ url: server.url }) ?? []) sum += await asked(check);
  expect(sum).toBeGreaterThan(10);
  expect(sum).toBeLessThan(60);
});
