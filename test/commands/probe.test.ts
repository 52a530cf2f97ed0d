import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { userAgent } from "../../collector/network/user-agent.ts";
import type { CommandContext } from "../../commands/lib/command.ts";
import { command, worstExit } from "../../commands/probe.ts";
import { Refused } from "../../core/errors.ts";
import type { Outcome } from "../../core/sample.ts";
import { loadPlugins, loadProbes } from "../../program/plug-ins.ts";
import { closedPort, httpServer, type RunningServer } from "../helpers/servers.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

async function execute(args: readonly string[], cwd: string) {
  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code: child.exitCode, stdout, stderr };
}

interface Wishes {
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly more?: object;
}

async function setup(server: RunningServer, { terminal = false, columns, env = {}, more }: Wishes = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-probe-"));
  const closed = await closedPort();
  await writeFile(
    join(folder.path, "tidewatch.yaml"),
    `organisation: { name: Test, url: https://example.org, languages: [en], timeZone: America/Vancouver }
server: { url: https://status.example.org }
targets:
  - id: mastodon
    name: Mastodon
    checks:
      - { id: web, probe: http, url: "${server.url}/good" }
      - { id: api, probe: http, url: "${server.url}/bad" }
  - id: podcasts
    name: Podcasts
    checks:
      - { id: home, probe: http, url: "http://127.0.0.1:${closed}/" }
  - { id: pictures, name: Pictures, planned: true }
${more ? `  - ${JSON.stringify(more)}\n` : ""}alerts:
  contacts: [{ id: techops, name: TechOps, email: techops@example.org }]
`,
  );
  let out = "";
  let err = "";
  const context: CommandContext = {
    env,
    cwd: folder.path,
    version: "1.2.3",
    stdout: { write: (text) => (out += text), isTTY: terminal, ...(columns && { columns }) },
    stderr: { write: (text) => (err += text), isTTY: terminal },
    signal: new AbortController().signal,
  };
  const run = (positionals: string[], values: Record<string, boolean> = {}) =>
    command.run({ values, positionals }, context);
  return {
    run,
    closed,
    folder: folder.path,
    out: () => out,
    err: () => err,
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

const mastodon = () =>
  httpServer((request, response) => {
    response
      .writeHead(request.url === "/bad" ? 502 : 200, { "content-type": "text/html" })
      .end("<title>\u001b[31mhello</title>");
  });

test("shows what each check saw, and the worst one is the exit code", async () => {
  await using server = await mastodon();
  await using parts = await setup(server);
  expect(await parts.run([])).toBe(2);
  expect(parts.out()).toMatch(/^● up +mastodon\/web +~?[\d.]+ ms/m);
  expect(parts.out()).toMatch(/^■ down +mastodon\/api .*502/m);
  expect(parts.out()).toMatch(new RegExp(`^■ down +podcasts/home .*refused on 127.0.0.1:${parts.closed}$`, "m"));
  expect(parts.out()).toMatch(/resolve [\d.]+ ms · connect [\d.]+ ms · processing [\d.]+ ms/);
  expect(parts.out()).not.toContain("\u001b");
  expect(parts.err()).toBe("");
});

test("explains what is wrong to members in both languages, and to the person on call with what was seen", async () => {
  await using server = await mastodon();
  await using parts = await setup(server);
  await parts.run(["mastodon/api"]);
  expect(parts.out()).toMatch(/^ {4}members {3}The page answers with an error\.$/m);
  expect(parts.out()).toMatch(/^ {4}membres {3}La page répond par une erreur\.$/m);
  expect(parts.out()).toMatch(/^ {4}evidence {2}http:.* answered 502 .*\n {14}content-type: text\/html$/m);
});

test("runs only what is named, each once", async () => {
  await using server = await mastodon();
  await using parts = await setup(server);
  expect(await parts.run(["mastodon/web", "mastodon/web"], { json: true })).toBe(0);
  const samples = z
    .array(z.looseObject({ target: z.string(), check: z.string(), at: z.string() }))
    .parse(JSON.parse(parts.out()));
  expect(samples).toMatchObject([{ target: "mastodon", check: "web", outcome: "up", vantagePoint: "here" }]);
});

test.each([
  ["a narrow terminal", { terminal: true, columns: 50, env: { NO_COLOR: "1", COLUMNS: "90" } }, 50],
  ["what COLUMNS says", { env: { COLUMNS: "55" } }, 55],
])("%s is not overrun", async (_what, wishes, width) => {
  await using server = await mastodon();
  await using parts = await setup(server, wishes);
  await parts.run([]);
  expect(
    parts
      .out()
      .split("\n")
      .filter((line) => line.length > width),
  ).toEqual([]);
});

test("on a terminal there is colour, and a progress line that goes away", async () => {
  await using server = await mastodon();
  await using parts = await setup(server, { terminal: true });
  await parts.run(["mastodon"]);
  expect(parts.out()).toContain("\u001b[32m● up");
  expect(parts.err()).toContain("1 of 2 checks");
  expect(parts.err().endsWith("\r\u001b[2K")).toBe(true);
});

test.each([
  ["mastodn", 'There is no target "mastodn".', "Did you mean mastodon?"],
  ["mastodon/wbe", 'There is no check "mastodon/wbe".', "Did you mean mastodon/web?"],
  ["pictures", "pictures is only planned.", "Remove `planned: true` from it once it is in service."],
])("%s is refused with what was probably meant", async (name, message, remedy) => {
  await using server = await mastodon();
  await using parts = await setup(server);
  const error = await parts.run([name]).catch((reason) => reason);
  expect(error).toBeInstanceOf(Refused);
  expect(error).toMatchObject({ message, remedy });
});

test("what was not measured does not hide what is down or degraded, and is never taken for up", () => {
  const worst = (...outcomes: readonly Outcome[]) => worstExit(outcomes.map((outcome) => ({ outcome, asked: true })));
  expect(worst("unknown", "down", "degraded")).toBe(2);
  expect(worst("unknown", "degraded", "up")).toBe(1);
  expect(worst("up", "unknown")).toBe(3);
  expect(worst("up")).toBe(0);
});

const backup = { id: "backup", name: "Backups", checks: [{ id: "nightly", probe: "heartbeat", expectEvery: "1d" }] };

test("a job that calls cannot be asked: it is shown as such, and the others are the exit code", async () => {
  await using server = await mastodon();
  await using parts = await setup(server, { more: backup });
  expect(await parts.run(["mastodon/web", "backup"])).toBe(0);
  expect(parts.out()).toMatch(/^◇ not asked +backup\/nightly .*calls are heard by `tidewatch run` only$/m);
  expect(await parts.run(["mastodon/api", "backup"])).toBe(2);
  expect(await parts.run(["backup"])).toBe(3);
});

test.each([
  ["a mistyped target", ["probe", "mastodn"], 64, "Did you mean mastodon?"],
  ["an unknown option", ["probe", "--jsn"], 64, "--help"],
  ["a mistyped command", ["prob"], 64, 'did you mean "probe"?'],
  ["a configuration that is not there", ["probe", "--config", "none.yaml"], 78, "there is no such file"],
  ["a configuration with a fault", ["probe", "--config", "broken.yaml"], 78, "organisation"],
])("%s has an exit code that no outcome has", async (_what, args, code, words) => {
  await using server = await mastodon();
  await using parts = await setup(server);
  await writeFile(join(parts.folder, "broken.yaml"), "targets: []\n");
  const ended = await execute(args, parts.folder);
  expect(ended.stderr).toContain(words);
  expect(ended.code).toBe(code);
});

test("what the exit codes mean stands in the help", async () => {
  const { stdout } = await execute(["probe", "--help"], tmpdir());
  expect(stdout).toMatch(/0 all up.*\n.*1 .*degraded.*\n.*2 .*down.*\n.*3 .*not measured.*\n.*64 .*\n.*78 /);
});

test("every probe and every channel in the folders is loaded by its file name", async () => {
  const { probes, channels } = await loadPlugins();
  expect(Object.keys(probes)).toEqual(expect.arrayContaining(["http", "mastodon"]));
  expect(Object.keys(channels)).toContain("email");
});

test("a file that is no plug-in is named, with what to do", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-plug-ins-"));
  await writeFile(join(folder.path, "half.ts"), "export default { summary: 'no run' };");
  const error = await loadProbes(pathToFileURL(`${folder.path}/`)).catch((reason) => reason);
  expect(error).toBeInstanceOf(Refused);
  expect(error.message).toBe(`${folder.path}/half.ts is not a plug-in: it has no proper default export.`);
  expect(error.remedy).toContain("defineProbe");
});

test("two probes that mean different things by one metric are not loaded, and the metric is named", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-plug-ins-"));
  const probe = (help: string) => `
    import { z } from "${import.meta.resolve("zod")}";
    import { gauge } from "${new URL("../../core/metric-families.ts", import.meta.url)}";
    const readings = [gauge("aquarium_fish", "${help}")];
    export default { summary: "Counts.", readings, options: z.strictObject({}), example: {}, run() {} };`;
  await writeFile(join(folder.path, "pond.ts"), probe("Fish that swim."));
  await writeFile(join(folder.path, "tank.ts"), probe("Fish that sleep."));
  const error = await loadProbes(pathToFileURL(`${folder.path}/`)).catch((reason) => reason);
  expect(error).toBeInstanceOf(Refused);
  expect(error.message).toBe("probes/tank.ts declares the metric aquarium_fish with other help than probes/pond.ts.");
});

test("we introduce ourselves with an address and a person", () => {
  const contact = { id: "techops", name: "TechOps", timeZone: "America/Vancouver", addresses: {} };
  const server = {
    public: { host: "0.0.0.0", port: 8080 },
    private: { host: "127.0.0.1", port: 9464 },
    privateIsShielded: false,
    url: "https://status.example.org",
    metrics: "private" as const,
  };
  const agent = (email: string) =>
    userAgent({ server, onCall: { contacts: [{ ...contact, email }], escalation: [] } }, "1.2.3");
  expect(agent("ops@example.org")).toBe("Tidewatch/1.2.3 (+https://status.example.org/; ops@example.org)");
  expect(agent("ops@exämple.org\r\nx: y")).toBe("Tidewatch/1.2.3 (+https://status.example.org/)");
});
