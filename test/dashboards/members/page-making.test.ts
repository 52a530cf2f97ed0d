import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { type Log, silentLog } from "../../../core/log.ts";
import { openPages, type Pages, type PagesOptions } from "../../../dashboards/members/page-making.ts";
import { openTimelines, type TimelineParts } from "../../../reports/timelines.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import {
  cosocial,
  daySeconds,
  liveOf,
  outage,
  recordsOf,
  type Service,
  scene,
  service,
} from "../../helpers/status-scene.ts";

const longAgo = 100 * daySeconds;
const fine = service("forum", [[longAgo, "up"]], { name: "Forum" });
const failing = service(
  "mastodon",
  [
    [longAgo, "up"],
    [760, "down"],
  ],
  { name: "Mastodon" },
);

async function setup(services: readonly Service[] = [fine], more: Partial<PagesOptions> = {}) {
  const clock = new FakeClock();
  const directory = await mkdtemp(join(tmpdir(), "tidewatch-pages-"));
  let current = scene(clock.now(), services);
  const records = recordsOf(current);
  const live = liveOf(() => current.checks);
  /** What the pages know of the past when it is read from here. */
  const timelinesFrom = (judgements: TimelineParts["store"]["judgements"]) =>
    openTimelines({
      store: { judgements },
      live,
      clock,
      targets: () => current.targets,
      timeZone: () => cosocial.timeZone,
    });
  const options: PagesOptions = {
    store: records.store,
    timelines: timelinesFrom(records.store.judgements),
    live,
    clock,
    log: silentLog,
    organisation: cosocial,
    targets: current.targets,
    practice: false,
    directory,
    ...more,
  };
  const stop = new AbortController();
  const running: Promise<void>[] = [];
  return {
    clock,
    directory,
    options,
    judgements: records.store.judgements,
    timelinesFrom,
    reads: records.reads,
    /** From now on the services have another past; the store says it too. */
    become(services: readonly Service[], incidents = current.incidents, annotations = current.annotations) {
      current = { ...scene(clock.now(), services), incidents, annotations };
      records.given.transitions = current.transitions;
      records.given.incidents = incidents;
      records.given.annotations = annotations;
    },
    run: (pages: Pages) => void running.push(pages.run(stop.signal)),
    /** One turn of the pages' loop, from the moment when it sleeps to the next. */
    async tick() {
      await expect.poll(() => clock.sleeping(1), { interval: 5 }).toBe(1);
      await clock.turn(1);
      await expect.poll(() => clock.sleeping(1), { interval: 5 }).toBe(1);
    },
    /** What the page says after some more seconds; files and compression take real time in between. */
    soon: (look: () => string) =>
      expect.poll(
        async () => {
          await clock.turn(1);
          return look();
        },
        { interval: 5 },
      ),
    async stop() {
      stop.abort();
      await Promise.all(running);
    },
    async [Symbol.asyncDispose]() {
      await this.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function read(pages: Pages, path = "/en/", request: Parameters<Pages["get"]>[1] = {}): string {
  const answer = pages.get(path, request);
  return Buffer.from(answer?.body ?? "").toString();
}

test("the page is there before the first visitor, in both languages", async () => {
  await using scene = await setup([fine, failing]);
  const pages = await openPages(scene.options);
  expect(read(pages, "/en/")).toContain("Mastodon is down");
  expect(read(pages, "/fr/")).toContain("Mastodon est en panne");
  expect(read(pages, "/", { language: "fr-CA,fr;q=0.9" })).toContain('lang="fr-CA"');
  expect(read(pages, "/", { language: "de" })).toContain('lang="en-CA"');
  expect(pages.get("/de/", {})).toBeUndefined();
  expect(pages.get("/en/?x=1", {})).toBeUndefined();
});

test("each encoding carries the same page, its own tag and its own length", async () => {
  await using scene = await setup();
  const pages = await openPages(scene.options);
  const plain = read(pages);
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync };
  const tags = new Set([pages.get("/en/", {})?.headers["etag"]]);
  for (const [encoding, unpacked] of Object.entries(unpack)) {
    const answer = pages.get("/en/", { encoding });
    expect(answer?.headers).toMatchObject({ "content-encoding": encoding, vary: "Accept-Encoding" });
    expect(answer?.headers["content-length"]).toBe(String(answer?.body?.length));
    expect(unpacked(answer?.body ?? "").toString()).toBe(plain);
    tags.add(answer?.headers["etag"]);
  }
  expect(tags.size).toBe(4);
  expect(pages.get("/", {})?.headers["vary"]).toBe("Accept-Encoding, Accept-Language");
});

test("a browser that has the page already gets no second copy", async () => {
  await using scene = await setup();
  const pages = await openPages(scene.options);
  const etag = pages.get("/en/", { encoding: "br" })?.headers["etag"] ?? "";
  for (const ifNoneMatch of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const answer = pages.get("/en/", { encoding: "br", ifNoneMatch });
    expect(answer).toMatchObject({ status: 304, body: null, headers: { etag } });
  }
  expect(pages.get("/en/", { encoding: "gzip", ifNoneMatch: etag })?.status).toBe(200);
});

test("visitors cost the store nothing", async () => {
  await using scene = await setup();
  const pages = await openPages(scene.options);
  const before = { ...scene.reads };
  for (let visit = 0; visit < 1000; visit++) {
    for (const path of ["/", "/history", `/history/${visit}`]) {
      pages.get(path, { encoding: "br", language: `x-${visit}` });
    }
  }
  expect(scene.reads).toEqual(before);
});

test("an outage is on the page a second after the outcome moved, without anybody saying so", async () => {
  await using scene = await setup([fine]);
  const pages = await openPages(scene.options);
  scene.run(pages);
  for (let second = 0; second < 8; second++) await scene.tick();
  expect(read(pages)).toContain("All services are working");
  const down = service(
    "forum",
    [
      [longAgo, "up"],
      [60, "down"],
    ],
    { name: "Forum" },
  );
  scene.become([down], [outage(scene.clock.now(), 5, down, { startedSecondsAgo: 60 })]);
  await scene.tick();
  expect(read(pages)).toContain("Forum is down");
  await scene.soon(() => read(pages)).toContain("We have noticed and are looking into it.");
});

test("what nobody announces is found within a minute; what is announced, at once", async () => {
  await using scene = await setup([fine]);
  const pages = await openPages(scene.options);
  scene.run(pages);
  await scene.clock.turn(20);
  scene.become([fine], [outage(scene.clock.now(), 5, fine, { startedSecondsAgo: 60, facts: { impact: "degraded" } })]);
  await scene.clock.turn(2);
  expect(read(pages)).not.toContain("Trouble with Forum");
  pages.changed();
  await scene.soon(() => read(pages)).toContain("Trouble with Forum");
  scene.become([fine], []);
  await scene.soon(() => read(pages)).not.toContain("Trouble with Forum");
});

test("checked at moves on while samples come, from memory", async () => {
  await using scene = await setup([fine]);
  const pages = await openPages(scene.options);
  scene.run(pages);
  await scene.clock.turn(10);
  const before = read(pages);
  const reads = scene.reads.transitions;
  scene.become([fine]);
  await scene.soon(() => read(pages)).not.toBe(before);
  expect(scene.reads.transitions).toBe(reads);
});

test("a store that throws on every call keeps nobody from reading what is known from memory", async () => {
  const broken = async () => {
    throw new Error("database disk image is malformed: secret path");
  };
  const logged: string[] = [];
  const log: Log = { ...silentLog, error: (message) => void logged.push(message) };
  await using scene = await setup([failing], {
    store: { incidents: { list: broken, get: broken, updates: broken }, annotations: { list: broken } },
    log,
  });
  const pages = await openPages({ ...scene.options, timelines: scene.timelinesFrom({ transitions: broken }) });
  scene.run(pages);
  await scene.clock.turn(30);
  expect(read(pages)).toContain("Mastodon is down");
  expect(read(pages)).toContain("We cannot read our own records at the moment");
  expect(read(pages)).not.toContain("secret path");
  expect(logged).toEqual(["the public pages cannot read the store"]);
  await scene.stop();
  expect(await readdir(scene.directory)).toEqual([]);
});

test("a store that fails later keeps the history that was read, and recovers without help", async () => {
  await using scene = await setup([failing]);
  let fails = false;
  const timelines = scene.timelinesFrom({
    transitions: (...asked) => (fails ? Promise.reject(new Error("gone")) : scene.judgements.transitions(...asked)),
  });
  const pages = await openPages({ ...scene.options, timelines });
  scene.run(pages);
  await scene.clock.turn(10);
  fails = true;
  pages.changed();
  await scene.soon(() => read(pages)).toContain("We cannot read our own records");
  expect(read(pages)).toContain("1 day with an outage");
  fails = false;
  await scene.soon(() => read(pages)).not.toContain("We cannot read our own records");
});

test("a store that hangs is given five seconds and is not asked again while it hangs", async () => {
  await using scene = await setup([failing]);
  let asked = 0;
  const hanging = scene.timelinesFrom({
    transitions: () => {
      asked++;
      return new Promise(() => {});
    },
  });
  const opened: Pages[] = [];
  const opening = openPages({ ...scene.options, timelines: hanging }).then((pages) => opened.push(pages));
  await scene.soon(() => String(opened.length)).toBe("1");
  await opening;
  const [pages] = opened;
  if (!pages) throw new Error("not opened");
  scene.run(pages);
  await scene.clock.turn(60);
  expect(read(pages)).toContain("Mastodon is down");
  expect(asked).toBe(1);
});

test("after a restart the last page is there at once, says so, and gives way to the first new one", async () => {
  await using scene = await setup([failing]);
  const first = await openPages(scene.options);
  scene.run(first);
  await scene.clock.turn(3);
  await scene.stop();
  const nothing = scene.timelinesFrom({ transitions: () => Promise.reject(new Error("not yet")) });
  const second = await openPages({ ...scene.options, timelines: nothing, live: liveOf(() => []) });
  expect(read(second)).toContain("Mastodon is down");
  expect(read(second)).toContain("Monitoring has just been started again");
  expect(read(second, "/fr/")).toContain("vient d’être redémarrée");
  const stop = new AbortController();
  const third = await openPages(scene.options);
  const running = third.run(stop.signal);
  await scene.soon(() => read(third)).not.toContain("Monitoring has just been started again");
  stop.abort();
  await running;
});

test("half a page on disk is none", async () => {
  await using scene = await setup([fine]);
  await writeFile(join(scene.directory, "status.en.html"), "<!doctype html><html><head><style>");
  expect(read(await openPages(scene.options))).toContain("All services are working");
});

test("a saved page of an older release keeps its own style allowed", async () => {
  await using scene = await setup([fine]);
  const page = "<!doctype html>\n<html><head><style>b{color:red}</style></head><body><!--note--></body></html>\n";
  for (const name of ["status", "history"]) {
    for (const language of ["en", "fr"]) await writeFile(join(scene.directory, `${name}.${language}.html`), page);
  }
  const pages = await openPages(scene.options);
  const policy = pages.get("/en/", {})?.headers["content-security-policy"] ?? "";
  const digest = await crypto.subtle.digest("SHA-256", Buffer.from("b{color:red}"));
  expect(policy).toContain(`'sha256-${Buffer.from(digest).toString("base64")}'`);
});

test("a disk that cannot be written is logged once and changes nothing for visitors", async () => {
  const logged: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void logged.push(message) };
  await using scene = await setup([fine], { log });
  const file = join(scene.directory, "in-the-way");
  await writeFile(file, "");
  const pages = await openPages({ ...scene.options, directory: join(file, "pages") });
  scene.run(pages);
  await scene.clock.turn(3);
  await scene.stop();
  expect(read(pages)).toContain("All services are working");
  expect(logged).toEqual(["the public pages cannot be kept on disk"]);
});

test("the files of the disk cache are whole pages without a note, and nothing else is left behind", async () => {
  await using scene = await setup([failing]);
  const pages = await openPages(scene.options);
  scene.run(pages);
  await scene.clock.turn(3);
  await scene.stop();
  expect((await readdir(scene.directory)).sort()).toEqual([
    "history.en.html",
    "history.fr.html",
    "status.en.html",
    "status.fr.html",
  ]);
  const saved = await readFile(join(scene.directory, "status.en.html"), "utf8");
  expect(saved).toContain("Mastodon is down");
  expect(saved).toContain("<!--note-->");
});

test("a model that cannot be rendered leaves the last page, with a note", async () => {
  await using scene = await setup([fine]);
  let broken = false;
  const live = {
    moves: 0,
    stored: 0,
    checks() {
      if (broken) throw new Error("our own bug");
      return scene.options.live.checks();
    },
  };
  const pages = await openPages({ ...scene.options, live });
  broken = true;
  scene.run(pages);
  await scene
    .soon(() => read(pages))
    .toContain("We cannot bring this page up to date at the moment. What follows is what we last knew");
  expect(read(pages)).toContain("Forum");
});

test("a reload shows other targets and other languages", async () => {
  await using scene = await setup([fine]);
  const pages = await openPages(scene.options);
  scene.run(pages);
  scene.become([failing]);
  pages.reconfigure({ targets: [failing.target], organisation: { ...cosocial, languages: ["fr"] } });
  await scene.soon(() => read(pages, "/")).toContain("Mastodon est en panne");
  expect(pages.get("/en/", {})).toBeUndefined();
});

test("the history is there beside the status page, in the visitor's language or the one that is asked for", async () => {
  await using scene = await setup([fine]);
  const pages = await openPages(scene.options);
  expect(read(pages, "/en/history")).toContain("<h1>Past incidents</h1>");
  expect(read(pages, "/fr/history")).toContain("<h1>Incidents passés</h1>");
  expect(read(pages, "/history", { language: "fr" })).toBe(read(pages, "/fr/history"));
  expect(read(pages, "/history", { language: "de" })).toBe(read(pages, "/en/history"));
  expect(pages.get("/history", {})?.headers["vary"]).toBe("Accept-Encoding, Accept-Language");
  expect(read(pages, "/en/history")).toContain('<a href="/fr/history" lang="fr-CA"');
  for (const path of ["/de/history", "/history/", "/en/history/", "/en/history?x=1", "history", "*", ""]) {
    expect(pages.get(path, {}), path).toBeUndefined();
  }
});

test("the history is made when the records were read, not whenever the status page is", async () => {
  await using scene = await setup([fine]);
  const pages = await openPages(scene.options);
  scene.run(pages);
  const [status, history] = [read(pages), read(pages, "/en/history")];
  await scene.clock.turn(10);
  scene.become([fine]);
  await scene.soon(() => read(pages)).not.toBe(status);
  expect(read(pages, "/en/history")).toBe(history);
  const annotations = [{ target: "forum", at: scene.clock.now(), text: { en: "upgraded 1 → 2", fr: "mis à niveau" } }];
  scene.become([fine], [outage(scene.clock.now(), 5, fine, { startedSecondsAgo: 60 })], annotations);
  pages.changed();
  await scene.soon(() => read(pages, "/en/history")).toContain("not over yet · No. 5");
  expect(read(pages, "/en/history")).toContain("upgraded 1 → 2");
});

test("the past is read once; after that only what is new", async () => {
  await using scene = await setup([fine]);
  const pages = await openPages(scene.options);
  scene.run(pages);
  await scene.soon(() => String(scene.reads.annotations > 3)).toBe("true");
  expect(scene.reads.transitions).toBe(scene.reads.annotations);
  expect(scene.reads.wholePasts).toBe(1);
});

test("while the store cannot be read the history stays as it was, and says so", async () => {
  await using scene = await setup([fine]);
  const { store } = scene.options;
  let fails = false;
  const incidents: typeof store.incidents = {
    ...store.incidents,
    list: (filter) => (fails ? Promise.reject(new Error("gone")) : store.incidents.list(filter)),
  };
  const pages = await openPages({ ...scene.options, store: { ...store, incidents } });
  scene.run(pages);
  await scene.clock.turn(3);
  const [before] = read(pages, "/en/history").match(/<main[\s\S]*<\/main>/) ?? [];
  fails = true;
  pages.changed();
  await scene.soon(() => read(pages, "/en/history")).toContain("We cannot read our own records at the moment");
  const noted = read(pages, "/en/history").replace(/<p class="note[^\n]*?<\/p>/, "<!--note-->");
  expect(noted.match(/<main[\s\S]*<\/main>/)?.[0]).toBe(before);
  expect(await readFile(join(scene.directory, "history.en.html"), "utf8")).not.toContain("We cannot read");
  fails = false;
  await scene.soon(() => read(pages, "/en/history")).not.toContain("We cannot read our own records");
});

test("without any record the history claims nothing", async () => {
  const broken = () => Promise.reject(new Error("gone"));
  await using scene = await setup([fine]);
  const pages = await openPages({
    ...scene.options,
    store: { ...scene.options.store, incidents: { list: broken, get: broken, updates: broken } },
  });
  const page = read(pages, "/en/history");
  expect(page).toContain("We cannot read our own records at the moment");
  expect(page).toContain("There is nothing to show here yet.");
  expect(page).not.toContain("No incidents");
});

test("a page that cannot be made takes no other one with it", async () => {
  const logged: unknown[] = [];
  const log: Log = { ...silentLog, error: (message, fields) => void logged.push([message, fields?.["page"]]) };
  await using scene = await setup([fine], { log });
  const pages = await openPages(scene.options);
  scene.run(pages);
  // Too old for the status page: only the history looks at its words.
  const old = outage(scene.clock.now(), 3, fine, {
    startedSecondsAgo: 40 * daySeconds,
    resolvedSecondsAgo: 39 * daySeconds,
  });
  const wordless = {
    ...old,
    updates: old.updates.map((update) => ({
      ...update,
      get text(): never {
        throw new Error("our own bug");
      },
    })),
  };
  scene.become([failing], [wordless, outage(scene.clock.now(), 4, fine, { startedSecondsAgo: 60 })]);
  pages.reconfigure({ targets: [fine.target, failing.target], organisation: cosocial });
  await scene.soon(() => read(pages)).toContain("Mastodon is down");
  await scene.soon(() => read(pages, "/en/history")).toContain("We cannot bring this page up to date");
  expect(read(pages)).not.toContain("We cannot bring this page up to date");
  expect(logged).toContainEqual(["a page could not be made", "/history"]);
});
