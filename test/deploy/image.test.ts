/** What `COPY . .` of the Dockerfile would bring into the image: all the program needs, and no secret. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
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

test("the program runs from what is in the image, without any optional package", async () => {
  const image = await mkdtemp(join(tmpdir(), "tidewatch-image-"));
  onTestFinished(() => rm(image, { recursive: true, force: true }));
  const isOut = await ignored();
  for (const path of (await tracked()).filter((each) => !isOut(each))) {
    await cp(join(root, path), join(image, path)).catch((error: NodeJS.ErrnoException) => {
      // Deleted, and not yet committed.
      if (error.code !== "ENOENT") throw error;
    });
  }
  await linkProductionPackages(image);
  await writeFile(join(image, "test.yaml"), configuration);

  const child = spawn(process.execPath, ["main.ts", "run", "--config", "test.yaml"], {
    cwd: image,
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

/** Every installed package but those of package.json that are optional or for development only. */
async function linkProductionPackages(image: string): Promise<void> {
  const { packages } = JSON.parse(await projectText("package-lock.json"));
  const wanted: readonly string[] = Object.keys(packages).filter(
    (path) =>
      /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) &&
      !packages[path].dev &&
      !packages[path].optional &&
      !packages[path].devOptional,
  );
  expect(wanted.length).toBeGreaterThan(20);
  expect(wanted).not.toContain("node_modules/smtp-server");
  const installed = new Set(await readdir(join(root, "node_modules")));
  for (const path of wanted) {
    const [, scope = ""] = path.split("/");
    if (!installed.has(scope)) continue;
    await mkdir(dirname(join(image, path)), { recursive: true });
    await symlink(join(root, path), join(image, path));
  }
}
