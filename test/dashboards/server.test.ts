import { createServer } from "node:net";
import { expect, test } from "vitest";
import { signToken } from "../../core/action-token.ts";
import { wordsIn } from "../../core/languages/translations.ts";
import { type Log, silentLog } from "../../core/log.ts";
import { noticeText } from "../../core/notice.ts";
import type { IncidentChange } from "../../core/store/incidents.ts";
import { listen } from "../../dashboards/listen.ts";
import { fastPath } from "../../dashboards/members/fast-path.ts";
import { openPages } from "../../dashboards/members/page-making.ts";
import type { PublicParts } from "../../dashboards/routes/public-parts.ts";
import { privateApp, publicApp } from "../../dashboards/server.ts";
import { teamPages } from "../../dashboards/team/pages.ts";
import { signInLink } from "../../dashboards/team/sign-in-link.ts";
import { defineTeamPage } from "../../dashboards/team/team-page.ts";
import { openReports } from "../../reports/reports.ts";
import { openTimelines } from "../../reports/timelines.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { quietOutbox } from "../helpers/quiet-outbox.ts";
import { contractor, cosocial, daySeconds, liveOf, outage, scene, service } from "../helpers/status-scene.ts";

const baseUrl = "http://status.example";
const hour = 3600;

const capacity = defineTeamPage({
  address: "/team/capacity",
  title: () => "How full it is",
  summary: () => "And how long it lasts.",
  load: async (reports) => (await reports.capacity()).models.length,
  show: async (stores, { signedIn }) => (stores === 0 ? `capacity for ${signedIn}` : "not the store we made"),
});

async function setup(more: Partial<PublicParts> = {}) {
  const clock = new FakeClock();
  const store = await openSqliteStore(":memory:");
  const mastodon = service("mastodon", [[100 * daySeconds, "up"]], { name: "Mastodon" });
  const current = scene(clock.now(), [mastodon]);
  const logged: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (message, fields) => void logged.push(`${message} ${JSON.stringify(fields)}`),
  };
  let contacts = [contractor];
  const live = liveOf(() => current.checks);
  const [targets, timeZone] = [() => current.targets, () => cosocial.timeZone];
  const pages = await openPages({
    store,
    timelines: openTimelines({ store, live, clock, targets, timeZone }),
    live,
    clock,
    log,
    organisation: cosocial,
    targets: current.targets,
    practice: false,
    directory: "/dev/null/nowhere",
  });
  const parts: PublicParts = {
    settings: () => ({ organisation: cosocial, contacts, baseUrl }),
    pages,
    store,
    clock,
    log,
    practice: false,
    health: () => ({ scheduler: true, judge: true, store: true, outbox: true }),
    reports: openReports({ store, clock, targets, ...quietOutbox }),
    ...more,
  };
  const app = publicApp(parts, [capacity]);
  const key = await store.keys.signing("action");
  return {
    app,
    reports: parts.reports,
    pages,
    clock,
    store,
    logged,
    dismiss: () => {
      contacts = [];
    },
    async openIncident(): Promise<number> {
      const { incident, updates } = outage(clock.now(), 0, mastodon, { startedSecondsAgo: 120 });
      const { id: _, state: __, ...facts } = incident;
      const [update] = updates;
      if (!update) throw new Error("no update");
      const change: IncidentChange = { change: "open", facts, update, escalate: () => ({}) };
      return (await store.commit({ incidents: [change] })).opened[0]?.id ?? 0;
    },
    ackLink: (incident: number, contact = contractor.id, seconds = 72 * hour) => {
      const expires = Math.floor(clock.now().epochMilliseconds / 1000) + seconds;
      return `/a/${signToken({ purpose: "acknowledge", incident, contact, expires }, key)}`;
    },
    post: (path: string, init: { body?: string; headers?: Record<string, string> } = {}) =>
      app.request(path, {
        method: "POST",
        headers: {
          origin: baseUrl,
          "content-type": "application/x-www-form-urlencoded",
          ...init.headers,
        },
        body: init.body ?? "",
      }),
    signInPath: async () => new URL(await signInLink(store, baseUrl, contractor, clock)).pathname,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Signs in through the front door. @returns the header that says who one is. */
async function signedIn(site: Awaited<ReturnType<typeof setup>>) {
  const answer = await site.post(await site.signInPath());
  return { cookie: (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
}

test("the status page answers in the visitor's language and lets caches know", async () => {
  await using site = await setup();
  const french = await site.app.request("/", { headers: { "accept-language": "fr" } });
  expect(french.status).toBe(200);
  expect(french.headers.get("vary")).toBe("Accept-Encoding, Accept-Language");
  expect(await french.text()).toContain("Tous les services fonctionnent");
  const fixed = await site.app.request("/en/?utm_source=anything", { headers: { "accept-language": "fr" } });
  expect(await fixed.text()).toContain("All services are working");
  expect(fixed.headers.get("content-security-policy")).toContain("default-src 'none'");
  const again = await site.app.request("/en/", { headers: { "if-none-match": fixed.headers.get("etag") ?? "" } });
  expect(again.status).toBe(304);
  expect(await again.text()).toBe("");
  const head = await site.app.request("/en/", { method: "HEAD" });
  expect(head.headers.get("etag")).toBe(fixed.headers.get("etag"));
  expect(await head.text()).toBe("");
});

test("the history has an address in each language, and whatever is asked with it changes nothing", async () => {
  await using site = await setup();
  const fixed = await site.app.request("/fr/history?month=2026-10", { headers: { "accept-language": "en" } });
  expect([fixed.status, fixed.headers.get("vary")]).toEqual([200, "Accept-Encoding"]);
  const french = await fixed.text();
  expect(french).toContain("<h1>Incidents passés</h1>");
  const negotiated = await site.app.request("/history", { headers: { "accept-language": "fr-CA" } });
  expect(await negotiated.text()).toBe(french);
  expect(negotiated.headers.get("vary")).toBe("Accept-Encoding, Accept-Language");
  const etag = negotiated.headers.get("etag") ?? "";
  expect((await site.app.request("/fr/history", { headers: { "if-none-match": etag } })).status).toBe(304);
  expect((await site.app.request("/de/history")).status).toBe(404);
});

test("an unknown address gets a plain page in both languages", async () => {
  await using site = await setup();
  for (const path of ["/nowhere", "/de/", "/team/sign-in/a/b", "/%00", "/..%2f..%2fetc/passwd", "/a/"]) {
    const answer = await site.app.request(path);
    if (path.startsWith("/team")) continue;
    const text = await answer.text();
    expect([path, answer.status]).toEqual([path, 404]);
    expect(text).toContain("There is no such page");
    expect(text).toContain('<section lang="fr-CA"');
    expect(text).toContain("Cette page n’existe pas");
  }
});

test("looking at an acknowledge link changes nothing, however it is looked at", async () => {
  await using site = await setup();
  const incident = await site.openIncident();
  const link = site.ackLink(incident);
  for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
    await site.app.request(link, { method, headers: { "sec-purpose": "prefetch", origin: baseUrl } });
  }
  expect((await site.store.incidents.get(incident))?.state).toBe("open");
  const page = await site.app.request(link);
  const text = await page.text();
  expect(page.headers.get("cache-control")).toBe("no-store");
  expect(page.headers.get("x-robots-tag")).toBe("noindex");
  expect(page.headers.get("referrer-policy")).toBe("same-origin");
  expect(text).toContain("Mastodon is down");
  expect(text).toContain("connected in 12 ms, then no answer within 10 s");
  expect(text).toContain("Nobody yet");
  expect(text).toContain("Robin Contractor, to whom this link was sent");
  expect(text).toContain("06:58 Toronto (UTC-5)");
});

test("the button takes the incident once; pressing it again only says so", async () => {
  await using site = await setup();
  const incident = await site.openIncident();
  const link = site.ackLink(incident);
  expect(await (await site.post(link)).text()).toContain("It is yours.");
  const taken = await site.store.incidents.get(incident);
  expect(taken).toMatchObject({ state: "acknowledged", by: "Robin Contractor" });
  const again = await site.post(link);
  expect(again.status).toBe(200);
  expect(await again.text()).toContain("It is already yours.");
  expect(await site.store.incidents.get(incident)).toEqual(taken);
  const updates = await site.store.incidents.updates(incident);
  expect(updates.filter(({ kind }) => kind === "acknowledged")).toHaveLength(1);
});

test("who comes second reads who was first", async () => {
  const second = { ...contractor, id: "techops", name: "TechOps" };
  await using site = await setup({
    settings: () => ({ organisation: cosocial, contacts: [contractor, second], baseUrl }),
  });
  const incident = await site.openIncident();
  await site.post(site.ackLink(incident));
  const text = await (await site.post(site.ackLink(incident, "techops"))).text();
  expect(text).toContain("Robin Contractor has it already.");
  expect(await site.store.incidents.get(incident)).toMatchObject({ by: "Robin Contractor" });
});

test("a form of another site takes nothing", async () => {
  await using site = await setup();
  const incident = await site.openIncident();
  const link = site.ackLink(incident);
  const foreign = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "https://status.example.evil.example" },
    { origin: "" },
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    { origin: "https://evil.example", "sec-fetch-site": "same-site" },
    { origin: "https://evil.example", "content-type": "text/plain" },
    { origin: "https://evil.example", "content-type": "application/json" },
    { origin: baseUrl, "sec-fetch-site": "cross-site" },
  ];
  for (const headers of foreign) {
    const answer = await site.post(link, { headers });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("This did not come from our own page");
  }
  expect((await site.store.incidents.get(incident))?.state).toBe("open");
  expect((await site.post(link, { headers: { origin: "", "sec-fetch-site": "same-origin" } })).status).toBe(200);
});

test("a wrong, forged, expired or foreign link tells nothing about the incident", async () => {
  await using site = await setup();
  const incident = await site.openIncident();
  const good = site.ackLink(incident);
  const forged = signToken(
    { purpose: "acknowledge", incident, contact: contractor.id, expires: 4e9 },
    new Uint8Array(32),
  );
  const wrong = [
    `${good}x`,
    good.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
    `/a/${forged}`,
    "/a/nonsense",
    site.ackLink(incident, "nobody"),
    site.ackLink(incident + 99),
    (await site.signInPath()).replace("/team/sign-in/", "/a/"),
  ];
  for (const path of wrong) {
    for (const answer of [await site.app.request(path), await site.post(path)]) {
      expect(answer.status).toBe(410);
      expect(await answer.text()).not.toContain("Mastodon");
    }
  }
  await site.clock.turn(72 * hour + 1);
  expect((await site.post(good)).status).toBe(410);
  expect((await site.store.incidents.get(incident))?.state).toBe("open");
});

test("an incident that is over cannot be taken; its link says so for a day", async () => {
  await using site = await setup();
  const id = await site.openIncident();
  const link = site.ackLink(id);
  const at = site.clock.now();
  const update = { at, kind: "resolved", text: { en: "over", fr: "fini" }, public: true } as const;
  await site.store.commit({
    incidents: [{ change: "resolve", id, at, update, escalate: () => ({}) }],
  });
  const page = await (await site.app.request(link)).text();
  expect(page).toContain("It is already over.");
  expect(page).not.toContain("<button>");
  expect(await (await site.post(link)).text()).toContain("It is already over.");
  await site.clock.turn(25 * hour);
  expect((await site.app.request(link)).status).toBe(410);
});

test("a store that fails while somebody takes an incident says that nothing was changed, and shows nothing inside", async () => {
  await using site = await setup();
  const link = site.ackLink(await site.openIncident());
  const broken = publicApp({
    settings: () => ({ organisation: cosocial, contacts: [contractor], baseUrl }),
    pages: { get: () => undefined, changed() {} },
    store: { ...failingStore, keys: { ...failingStore.keys, signing: (name) => site.store.keys.signing(name) } },
    clock: site.clock,
    log: { ...silentLog, error: (message, fields) => void site.logged.push(JSON.stringify({ message, fields })) },
    practice: false,
    health: () => ({ store: false }),
    reports: site.reports,
  });
  const answer = await broken.request(link, { method: "POST", headers: { origin: baseUrl } });
  const text = await answer.text();
  expect(answer.status).toBe(503);
  expect(text).toContain("Nothing was changed.");
  expect(text).not.toContain("disk I/O");
  expect(site.logged.join()).not.toContain(link.slice(3));
});

const fails = async () => {
  throw new Error("disk I/O error at /var/lib/tidewatch");
};
const failingStore = {
  incidents: { list: fails, get: fails, updates: fails, acknowledge: fails },
  audit: { write: fails },
  commit: fails,
  keys: { signing: fails, useOnce: fails },
};

test("the team pages send whoever is not signed in to the sign-in page", async () => {
  await using site = await setup();
  for (const path of ["/team/", "/team/capacity", "/team/anything"]) {
    const answer = await site.app.request(path);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/team/sign-in"]);
  }
  const form = await (await site.app.request("/team/sign-in")).text();
  expect(form).toContain('<input id="email" name="email" type="email"');
});

test("a link is sent to an address of the team, and the answer is the same for any other", async () => {
  await using site = await setup();
  const answers = [];
  for (const email of [" OnCall@example.org ", "stranger@example.org", "", "x".repeat(300)]) {
    const answer = await site.post("/team/sign-in", { body: new URLSearchParams({ email }).toString() });
    answers.push({ status: answer.status, text: await answer.text() });
  }
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  await expect.poll(() => site.store.outbox.recent(10)).toHaveLength(1);
  const [notice] = await site.store.outbox.recent(10);
  expect(notice).toMatchObject({
    kind: "sign-in",
    to: { kind: "contact", id: "contractor" },
    channel: "email",
    urgency: "now",
  });
  expect(notice && noticeText(notice)).toContain(`${baseUrl}/team/sign-in/`);
  expect(notice?.notAfter?.epochMilliseconds).toBe(site.clock.now().epochMilliseconds + 30 * 60_000);
});

test("nobody can have somebody's mailbox filled", async () => {
  await using site = await setup();
  const ask = () => site.post("/team/sign-in", { body: "email=oncall%40example.org" });
  for (let time = 0; time < 10; time++) expect((await ask()).status).toBe(200);
  expect((await ask()).status).toBe(429);
  await expect.poll(() => site.store.outbox.recent(99)).toHaveLength(3);
  await site.clock.turn(600);
  expect((await ask()).status).toBe(200);
  await expect.poll(() => site.store.outbox.recent(99)).toHaveLength(4);
});

test("the link signs in once, by its button only", async () => {
  await using site = await setup();
  const path = await site.signInPath();
  for (const method of ["GET", "HEAD"]) await site.app.request(path, { method });
  expect(await (await site.app.request(path)).text()).toContain("You are about to sign in as Robin Contractor.");
  const answer = await site.post(path);
  expect([answer.status, answer.headers.get("location")]).toEqual([303, "/team/"]);
  const cookie = answer.headers.get("set-cookie") ?? "";
  expect(cookie).toMatch(/^tidewatch=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
  const headers = { cookie: cookie.split(";")[0] ?? "" };
  expect(await (await site.app.request("/team/", { headers })).text()).toContain("Signed in as Robin Contractor");
  expect(await (await site.app.request("/team/capacity", { headers })).text()).toBe("capacity for Robin Contractor");
  const replay = await site.post(path);
  expect(replay.status).toBe(410);
  expect(replay.headers.get("set-cookie")).toBeNull();
});

test("each page of the list has its link, asks for a session and has private headers", async () => {
  await using site = await setup();
  const headers = await signedIn(site);
  const list = await (await site.app.request("/team/", { headers })).text();
  expect(list).toContain(
    '<li><a href="/team/capacity">How full it is</a><p class="muted">And how long it lasts.</p></li>',
  );
  const page = await site.app.request("/team/capacity", { headers });
  expect(page.status).toBe(200);
  expect(page.headers.get("cache-control")).toBe("no-store");
  expect(page.headers.get("x-robots-tag")).toBe("noindex");
  expect((await site.app.request("/team/capacity")).headers.get("location")).toBe("/team/sign-in");
  expect((await site.app.request("/team/anything", { headers })).status).toBe(404);
});

test("every page the team has can be shown before anything was measured, and has its own address and title", async () => {
  await using site = await setup();
  for (const page of teamPages) {
    for (const language of ["en", "fr"] as const) {
      const props = { language, organisation: cosocial, practice: false, signedIn: "Robin" };
      expect(await page.render(site.reports, props)).toContain("<main");
      expect(page.title(wordsIn(language))).not.toBe("");
      expect(page.summary(wordsIn(language))).not.toBe("");
    }
  }
  expect(new Set(teamPages.map(({ address }) => address)).size).toBe(teamPages.length);
});

test("a form of another site signs nobody in and uses no link up", async () => {
  await using site = await setup();
  const path = await site.signInPath();
  expect((await site.post(path, { headers: { origin: "https://evil.example" } })).status).toBe(403);
  expect((await site.post(path)).status).toBe(303);
});

test("over https the cookie stays on this host and on https", async () => {
  await using site = await setup({
    settings: () => ({ organisation: cosocial, contacts: [contractor], baseUrl: "https://status.example" }),
  });
  const answer = await site.post(await site.signInPath(), { headers: { origin: "https://status.example" } });
  expect(answer.headers.get("set-cookie")).toMatch(/^__Host-tidewatch=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
});

test("a session ends after twelve hours, when signing out, and when the contact is taken out", async () => {
  await using site = await setup();
  const headers = await signedIn(site);
  const status = async () => (await site.app.request("/team/", { headers })).status;
  expect(await status()).toBe(200);
  const out = await site.post("/team/sign-out", { headers });
  expect(out.headers.get("set-cookie")).toMatch(/^tidewatch=; Max-Age=0; Path=\//);
  await site.clock.turn(12 * hour + 1);
  expect(await status()).toBe(303);
  const fresh = await signedIn(site);
  site.dismiss();
  expect((await site.app.request("/team/", { headers: fresh })).status).toBe(303);
});

test("a link cannot serve as a cookie, nor the other way round", async () => {
  await using site = await setup();
  const token = (await site.signInPath()).replace("/team/sign-in/", "");
  expect((await site.app.request("/team/", { headers: { cookie: `tidewatch=${token}` } })).status).toBe(303);
  const { cookie } = await signedIn(site);
  expect((await site.post(`/team/sign-in/${cookie.replace("tidewatch=", "")}`)).status).toBe(410);
  expect((await site.app.request("/team/", { headers: { cookie: "tidewatch=a.b.c; tidewatch=%%%" } })).status).toBe(
    303,
  );
});

test("a link that waited half an hour is too old", async () => {
  await using site = await setup();
  const path = await site.signInPath();
  await site.clock.turn(31 * 60);
  expect((await site.app.request(path)).status).toBe(410);
  expect((await site.post(path)).status).toBe(410);
});

test("a form larger than any of ours is refused", async () => {
  await using site = await setup();
  const answer = await site.post("/team/sign-in", { body: `email=${"x".repeat(20_000)}` });
  expect(answer.status).toBe(413);
});

test("health names the part that stands still", async () => {
  await using site = await setup({ health: () => ({ scheduler: true, judge: true, store: false, outbox: true }) });
  const answer = await site.app.request("/healthz");
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ ok: false, stuck: ["store"] });
  await using well = await setup();
  expect((await well.app.request("/healthz")).status).toBe(200);
});

test("metrics are private unless the configuration says otherwise", async () => {
  await using site = await setup();
  expect((await site.app.request("/metrics")).status).toBe(404);
  const metrics = async (accept: string | undefined) => ({
    contentType: accept?.includes("openmetrics")
      ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
      : "text/plain; version=0.0.4; charset=utf-8",
    body: new TextEncoder().encode("tidewatch_build_info 1\n"),
  });
  await using open = await setup({ metrics });
  expect(await (await open.app.request("/metrics")).text()).toBe("tidewatch_build_info 1\n");
  const app = privateApp({ health: () => ({}), metrics, log: silentLog });
  const scraped = await app.request("/metrics", { headers: { accept: "application/openmetrics-text" } });
  expect(scraped.headers.get("content-type")).toContain("application/openmetrics-text");
  expect((await app.request("/")).status).toBe(404);
});

test("the fast path to the page cache answers as the route does, and leaves everything else to it", async () => {
  await using site = await setup();
  await using routed = await listen(site.app, { host: "127.0.0.1", port: 0 });
  await using fast = await listen(site.app, { host: "127.0.0.1", port: 0 }, fastPath(site.pages));
  const etag = (await fetch(`http://127.0.0.1:${routed.port}/fr/`)).headers.get("etag") ?? "";
  for (const [path, init] of [
    ["/", { headers: { "accept-language": "fr-CA,fr;q=0.9", "accept-encoding": "br" } }],
    ["/en/?from=toot", {}],
    ["/fr/", { headers: { "if-none-match": etag } }],
    ["/fr/", { method: "HEAD" }],
    ["/history", { headers: { "accept-language": "fr" } }],
    ["/en/history?x", {}],
    ["/en/", { method: "POST" }],
    ["/en/nothing", {}],
    ["/healthz", {}],
  ] satisfies [string, RequestInit][]) {
    const [one, other] = await Promise.all(
      [routed, fast].map(async ({ port }) => {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
        const headers = [...answer.headers].filter(([name]) => !["date", "transfer-encoding"].includes(name));
        return { status: answer.status, headers, body: await answer.text() };
      }),
    );
    expect(other, path).toEqual(one);
  }
});

test("an error on the fast path is reported by the route, and ends nothing", async () => {
  await using site = await setup();
  const breaking = fastPath({
    get() {
      throw new Error("broken");
    },
  });
  await using listener = await listen(site.app, { host: "127.0.0.1", port: 0 }, breaking);
  expect((await fetch(`http://127.0.0.1:${listener.port}/en/`)).status).toBe(200);
});

test("the listeners serve over real sockets and end while a visitor keeps the connection open", async () => {
  await using site = await setup();
  const listener = await listen(site.app, { host: "127.0.0.1", port: 0 });
  const answer = await fetch(`http://127.0.0.1:${listener.port}/en/`);
  expect(answer.headers.get("content-encoding")).toBe("gzip");
  expect(await answer.text()).toContain("All services are working");
  const link = `http://127.0.0.1:${listener.port}${await site.signInPath()}`;
  const own = { origin: `http://127.0.0.1:${listener.port}` };
  const signed = await fetch(link, { method: "POST", headers: own, redirect: "manual" });
  expect(signed.status).toBe(303);
  await listener[Symbol.asyncDispose]();
  await expect(fetch(`http://127.0.0.1:${listener.port}/en/`)).rejects.toThrow();
});

test("a port that is taken is a sentence that says which setting to change", async () => {
  await using site = await setup();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const listening = listen(site.app, { host: "127.0.0.1", port, setting: "server.public" });
  await expect(listening).rejects.toMatchObject({
    name: "Refused",
    message: `Something else already listens on 127.0.0.1:${port}.`,
    remedy: expect.stringContaining("server.public"),
  });
  await new Promise((resolve) => other.close(resolve));
  const elsewhere = listen(site.app, { host: "192.0.2.1", port: 8080, setting: "server.private" });
  await expect(elsewhere).rejects.toMatchObject({
    name: "Refused",
    message: "192.0.2.1 is not an address of this machine.",
  });
});
