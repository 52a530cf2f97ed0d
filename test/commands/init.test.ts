import { readFileSync } from "node:fs";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command as checkConfig } from "../../commands/check-config.ts";
import { command } from "../../commands/init.ts";
import { reserve, usualPorts } from "../../commands/lib/reserved-port.ts";
import { Refused } from "../../core/errors.ts";
import { startCastopod } from "../../practice/stand-ins/castopod.ts";
import { startCloudron } from "../../practice/stand-ins/cloudron.ts";
import { startDiscourse } from "../../practice/stand-ins/discourse.ts";
import { startLemmy } from "../../practice/stand-ins/lemmy.ts";
import { startMastodon } from "../../practice/stand-ins/mastodon.ts";
import { startPixelfed } from "../../practice/stand-ins/pixelfed.ts";
import { parseConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { install, until } from "../helpers/program.ts";
import { runCommand } from "../helpers/run-command.ts";
import { closedPort, tcpServer } from "../helpers/servers.ts";
import { type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const plugins = await loadPlugins();
const fixture = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url), "utf8");

/** A NodeInfo document whose discovery points to it, wherever the server is. */
const nodeInfo = (document: unknown): Answers => ({
  "/.well-known/nodeinfo": (url) =>
    asJson({ links: [{ rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", href: `${url}/nodeinfo/2.0` }] }),
  "/nodeinfo/2.0": asJson(document),
});

const software = (name: string, version: string, nodeName?: string) => ({
  version: "2.0",
  software: { name, version },
  metadata: { nodeName },
});

const page = asHtml("<title>Welcome</title>");
const mastodon: Answers = { "/": page, ...nodeInfo(JSON.parse(fixture("mastodon/4.5/nodeinfo-2.0.json"))) };
const castopod: Answers = { "/": page, "/.well-known/x-nodeinfo2": asJson(fixture("castopod/x-nodeinfo2.json")) };
const pixelfed: Answers = { "/": page, ...nodeInfo(JSON.parse(fixture("pixelfed/nodeinfo-2.0.json"))) };

async function setup() {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-init-"));
  const file = join(folder.path, "tidewatch.yaml");
  return {
    file,
    init: (...addresses: readonly string[]) => runCommand(command, addresses, {}, { cwd: folder.path }),
    initWith: (env: Readonly<Record<string, string>>, ...addresses: readonly string[]) =>
      runCommand(command, addresses, {}, { cwd: folder.path, env }),
    check: () => runCommand(checkConfig, [], { config: file }, { cwd: folder.path }),
    written: () => readFile(file, "utf8"),
    config: async (env = {}) => parseConfig(await readFile(file, "utf8"), { ...plugins, file, env }),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

test("what is taken, set or left out is said, so that nobody has to find out", async () => {
  await using one = await smallServer(mastodon);
  // Whoever has them already does as well.
  using _public = await reserve(usualPorts.public);
  using _private = await reserve(usualPorts.private);
  await using place = await setup();
  const env = { SMTP_URL: "smtp://user:secret@mail.example.org:2525" };
  const { code, stdout } = await place.initWith(env, one.url, `http://127.0.0.1:${await closedPort()}`);
  expect(code).toBe(0);
  expect(stdout).toContain("2. SMTP_URL is set already: mail leaves by mail.example.org:2525.");
  expect(stdout).toContain("1 address was left out, see above. To try again, delete tidewatch.yaml first.");
  const { server } = await place.config();
  expect([server.public.host, server.private.host]).toEqual(["0.0.0.0", "127.0.0.1"]);
  expect(server.public.port).not.toBe(usualPorts.public);
  expect(server.private.port).not.toBe(usualPorts.private);
});

test("a Mastodon, a Castopod and a Pixelfed become targets with their standard checks", async () => {
  await using one = await smallServer(mastodon);
  await using two = await smallServer(castopod);
  await using three = await smallServer(pixelfed);
  await using place = await setup();
  const { code, stdout } = await place.init(one.url, two.url, three.url);
  expect(code).toBe(0);
  expect(stdout).toContain("Mastodon 4.5.15 (Example Co-op) at 127.0.0.1");
  expect(stdout).toMatch(
    /1\. Put the people[\s\S]*2\. Say where your mail server is: export SMTP_URL=[\s\S]*3\. .*then `npm start`\./,
  );
  const { organisation, targets } = await place.config();
  expect(organisation.name.en).toBe("Example Co-op");
  expect(targets.map(({ id, url, checks }) => [id, url, checks.slice(0, 2).map((check) => check.probe)])).toEqual([
    ["mastodon", one.url, ["http", "mastodon"]],
    ["castopod", two.url, ["http", "castopod"]],
    ["pixelfed", three.url, ["http", "pixelfed"]],
  ]);
});

test("an older Mastodon behind a proxy without NodeInfo is known by its instance document", async () => {
  await using server = await smallServer({
    "/": page,
    "/api/v2/instance": asJson(fixture("mastodon/4.2/instance-v2.json")),
  });
  await using place = await setup();
  expect((await place.init(server.url)).code).toBe(0);
  expect((await place.config()).targets).toMatchObject([{ id: "mastodon" }]);
});

test("software that only speaks like Mastodon is called by its own name", async () => {
  const document = { version: "3.5.3 (compatible; Pixelfed 0.11.13)", title: "Pixels" };
  await using server = await smallServer({ "/": page, "/api/v1/instance": asJson(document) });
  await using place = await setup();
  expect((await place.init(server.url)).stdout).toContain("Pixelfed 0.11.13 (Pixels)");
});

test("every kind is recognised by its own documents, in every version, and what is written starts and finds all of them up", async () => {
  await using place = await setup();
  await using undo = new AsyncDisposableStack();
  const servers = await Promise.all([
    startMastodon({ version: "4.2" }),
    startMastodon({ version: "4.5" }),
    startCastopod({ version: "1.15" }),
    startCastopod({ version: "2.0" }),
    startPixelfed(),
    startLemmy({ version: "0.19" }),
    startLemmy({ version: "1.0" }),
    startDiscourse(),
    startDiscourse({ membersOnly: true }),
    startCloudron(),
  ]);
  for (const server of servers) undo.use(server);
  const { code, stdout } = await place.init(...servers.map(({ url }) => url));
  expect(code).toBe(0);
  for (const version of [
    "4.2.0",
    "4.5.15",
    "1.15.5",
    "2.0.0-next.4",
    "0.11.13",
    "0.19.20",
    "1.0.0-beta.1",
    "3.5.2",
    "8.3.1",
  ]) {
    expect(stdout).toContain(` ${version} `);
  }
  expect((await place.check()).code).toBe(0);
  const { targets } = await place.config();
  const service = targets.map(({ checks }) => checks.find(({ id }) => id === "service")?.probe);
  expect(service).toEqual([
    ...[
      "mastodon",
      "mastodon",
      "castopod",
      "castopod",
      "pixelfed",
      "lemmy",
      "lemmy",
      "discourse",
      "discourse",
      "cloudron",
    ],
  ]);
  const kinds = Object.entries(plugins.probes).flatMap(([name, { kind }]) => (kind ? [name] : []));
  expect(new Set(service)).toEqual(new Set(kinds));

  const here = 'server: { public: "127.0.0.1:0", private: "127.0.0.1:0" }\nstore: { sqlite: ./data/tidewatch.db }\n';
  await using installed = await install(`${await place.written()}${here}`);
  const program = await installed.start();
  const isUp = (target: string) =>
    new RegExp(`^tidewatch_check_outcome\\{target="${target}",check="service",.*outcome="up"`);
  await until(async () => {
    const metrics = [...(await program.metrics())];
    const up = targets.map(({ id }) => metrics.find(([series]) => isUp(id).test(series))?.[1]);
    expect(up).toEqual(targets.map(() => 1));
  });
  expect((await program.stop()).code).toBe(0);
});

test("a forum that hides its version is known by the rest of its description", async () => {
  await using forum = await smallServer({
    "/": page,
    "/about.json": asJson({ about: { title: "Forum", stats: { topics_count: 3 } } }),
  });
  await using place = await setup();
  expect((await place.init(forum.url)).stdout).toContain("Discourse (Forum) at 127.0.0.1");
  expect((await place.config()).targets).toMatchObject([{ id: "discourse", name: { en: "Forum" } }]);
});

test("a description of something else is no forum", async () => {
  await using server = await smallServer({ "/": page, "/about.json": asJson({ about: { title: "Us" } }) });
  await using place = await setup();
  expect((await place.init(server.url)).stdout).toContain("A web page (Welcome)");
});

test("software without a probe of its own is watched by its pages, and the file says so", async () => {
  await using videos = await smallServer({ "/": page, ...nodeInfo(software("peertube", "7.0.0", "Videos")) });
  await using misskey = await smallServer({ "/": page, ...nodeInfo(software("misskey", "2026.1.0", "Stars")) });
  await using place = await setup();
  expect((await place.init(videos.url, misskey.url)).code).toBe(0);
  const { targets } = await place.config();
  expect(targets.map(({ id, name, checks }) => [id, name.en, checks.map((check) => check.id)])).toEqual([
    ["peertube", "Videos", ["web", "service"]],
    ["misskey", "Stars", ["web"]],
  ]);
  expect(await place.written()).toContain("There is no probe of its own for it yet");
});

test("a podcast feed is asked for as podcast apps do", async () => {
  await using server = await smallServer({
    "/feed.xml": { headers: { "content-type": "text/xml" }, body: fixture("castopod/feed.xml") },
  });
  await using place = await setup();
  expect((await place.init(`${server.url}/feed.xml`)).code).toBe(0);
  expect((await place.config()).targets).toMatchObject([
    { id: "podcast", checks: [{ id: "feed", options: { url: `${server.url}/feed.xml` } }] },
  ]);
});

test("two of the same software get different ids and names", async () => {
  await using one = await smallServer(mastodon);
  await using two = await smallServer({ "/": page, ...nodeInfo(software("mastodon", "4.4.0", "The other one")) });
  await using place = await setup();
  expect((await place.init(one.url, two.url)).code).toBe(0);
  const { targets } = await place.config();
  expect(new Set(targets.map(({ id }) => id)).size).toBe(2);
  expect(targets.map(({ name }) => name.en)).toEqual(["Mastodon", "The other one"]);
});

test("the commented part about people is good as well, once the # is taken away", async () => {
  await using server = await smallServer(mastodon);
  await using place = await setup();
  await place.init(server.url);
  const text = await place.written();
  const start = text.indexOf("# alerts:");
  const alerts = text.slice(start, text.indexOf("\n\n", start));
  await writeFile(place.file, text.replace(alerts, alerts.replaceAll(/^# /gm, "")));
  const { onCall } = await place.config({ SMTP_URL: "smtp://a:b@mail.example.org:587" });
  expect(onCall.escalation).toHaveLength(2);
});

test("the commented line with which a kind sees more is good as well, once the # is taken away", async () => {
  await using undo = new AsyncDisposableStack();
  const one = undo.use(await startMastodon({ version: "4.5" }));
  const two = undo.use(await startCloudron());
  const place = undo.use(await setup());
  await place.init(one.url, two.url);
  await writeFile(place.file, (await place.written()).replaceAll("    # checks: [", "    checks: ["));
  const { targets } = await place.config({ MASTODON_STREAMING_TOKEN: "one", CLOUDRON_TOKEN: "two" });
  const options = targets.flatMap(({ checks }) => checks.map(({ probe, options }) => [probe, options]));
  expect(options).toEqual(
    expect.arrayContaining([
      ["mastodon-streaming", expect.objectContaining({ token: expect.anything() })],
      ["cloudron", expect.objectContaining({ token: expect.anything() })],
    ]),
  );
});

/** The targets that stand in comments, each with its lines. */
function commentedTargets(written: string): readonly string[] {
  const rest = written.slice(written.search(/^ {2}# - id: /m));
  return rest.slice(0, rest.indexOf("\n\n")).split(/\n(?= {2}# - id: )/);
}
const uncommented = (lines: string): string => lines.replaceAll(/^( *)# /gm, "$1");
const databaseUrl = { DATABASE_URL: "postgres://tidewatch:a@10.0.0.6/mastodon" };

test("a database, a backup and where all is hosted stand at the end in comments, each good once the # is taken away", async () => {
  await using server = await smallServer(mastodon);
  await using place = await setup();
  await place.init(server.url);
  const text = await place.written();
  const blocks = commentedTargets(text);
  const probes: (string | undefined)[] = [];
  for (const block of blocks) {
    await writeFile(place.file, text.replace(block, uncommented(block)));
    probes.push((await place.config(databaseUrl)).targets[1]?.checks[0]?.probe);
  }
  expect(probes).toEqual(["postgres", "heartbeat", "residency"]);
});

test("the commented line that names the database as a cause is good beside that database", async () => {
  await using server = await smallServer(mastodon);
  await using place = await setup();
  await place.init(server.url);
  const text = await place.written();
  const [database = ""] = commentedTargets(text);
  const whole = text.replace(database, uncommented(database)).replace(/^( *)# dependsOn: /m, "$1dependsOn: ");
  await writeFile(place.file, whole);
  const [target] = (await place.config(databaseUrl)).targets;
  expect(target?.checks.every(({ dependsOn }) => dependsOn?.includes("database/growth"))).toBe(true);
});

test("what stands in comments has ids that nothing found takes", async () => {
  await using server = await smallServer({ "/": page, ...nodeInfo(software("backup", "1.0.0", "Old things")) });
  await using place = await setup();
  await place.init(server.url);
  const text = await place.written();
  await writeFile(
    place.file,
    commentedTargets(text).reduce((all, block) => all.replace(block, uncommented(block)), text),
  );
  expect((await place.config(databaseUrl)).targets).toHaveLength(4);
});

test("nothing is overwritten, and nobody is asked before that is known", async () => {
  await using server = await smallServer(mastodon);
  await using place = await setup();
  await writeFile(place.file, "mine");
  await expect(place.init(server.url)).rejects.toThrow(Refused);
  expect(await place.written()).toBe("mine");
  expect(server.requests).toEqual([]);
});

test("nothing that can be watched: nothing is written, the end is 1, and each address is told why", async () => {
  await using missing = await smallServer({});
  await using place = await setup();
  const closed = `http://127.0.0.1:${await closedPort()}`;
  const { code, stderr } = await place.init(missing.url, closed);
  expect(code).toBe(1);
  expect(stderr).toContain(`${missing.url}/: not recognised (answered 404)`);
  expect(stderr).toMatch(new RegExp(`${closed}/: not recognised \\(.*refused.*\\)`));
  await expect(place.written()).rejects.toThrow("ENOENT");
});

test("a page that says nothing about itself is watched as one, also when it is the only one", async () => {
  await using plain = await smallServer({ "*": asHtml("<title>Our wiki</title>") });
  await using place = await setup();
  const { code, stdout } = await place.init(plain.url);
  expect(code).toBe(0);
  expect(stdout).toContain("A web page (Our wiki)");
  expect(await place.written()).toContain("It did not say what it is: its page is asked for.");
  expect((await place.config()).targets).toMatchObject([
    { name: { en: "Our wiki" }, checks: [{ id: "web", probe: "http" }] },
  ]);
});

test("a page that says nothing about itself is watched beside what was recognised", async () => {
  await using plain = await smallServer({ "*": asHtml("<title>Bakery</title>") });
  await using known = await smallServer(mastodon);
  await using place = await setup();
  expect((await place.init(plain.url, known.url)).code).toBe(0);
  expect((await place.config()).targets.map(({ name }) => name.en)).toEqual(["Bakery", "Mastodon"]);
});

test("what strangers say about themselves cannot become settings, comments or terminal codes", async () => {
  const evil = 'Co-op"\nalerts: { x: 1 }\n\u001b[31m # {{ & *a !b\u202e';
  await using server = await smallServer({ "/": page, ...nodeInfo(software("mastodon", `4\n  - id: evil`, evil)) });
  await using place = await setup();
  const { code, stdout } = await place.init(server.url);
  expect(code).toBe(0);
  expect(stdout).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  const config = await place.config();
  expect(config.targets.map(({ id }) => id)).toEqual(["mastodon"]);
  expect(config.organisation.name.en).toContain("alerts: { x: 1 }");
});

test("hostile answers are refused: names that are no names, NodeInfo that points elsewhere, endless bytes", async () => {
  await using other = await smallServer(nodeInfo(software("mastodon", "4.5.15")));
  await using server = await smallServer({
    "/": { body: "x".repeat(2_000_000) },
    "/.well-known/nodeinfo": asJson({
      links: [{ rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", href: `${other.url}/nodeinfo/2.0` }],
    }),
    "/.well-known/x-nodeinfo2": asJson({ server: { software: "../../etc/passwd" } }),
    "/api/v1/instance": asJson("[".repeat(100_000)),
  });
  await using place = await setup();
  expect((await place.init(server.url)).stdout).toContain("A web page at 127.0.0.1");
  expect(other.requests).toEqual([]);
});

test("a server that closes every connection is told in a sentence", async () => {
  await using rude = await tcpServer((socket) => void socket.destroy());
  await using place = await setup();
  const { code, stderr } = await place.init(`http://127.0.0.1:${rude.port}`);
  expect(code).toBe(1);
  expect(stderr).toContain("not recognised");
});

test.each(["https://user:hunter2@social.example", "ftp://social.example", "https://", "a b"])(
  "%s is refused before anything is asked, without repeating a password",
  async (address) => {
    await using place = await setup();
    const refusal = await place.init(address).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refused);
    expect(String(refusal)).not.toContain("hunter2");
  },
);
