/** The systemd unit, read by systemd's own checker where there is one, and by eye for the rest. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { answerOf } from "../../practice/servers/process.ts";
import { projectText } from "./tools.ts";

const file = "deploy/systemd/tidewatch.service";
const analyze = (await answerOf(["systemd-analyze", "--version"])) !== undefined;
if (!analyze) console.warn("skipped: there is no systemd-analyze on PATH. Install systemd.");

/** What systemd says of the unit; it wants the program to be there, and ours is not installed here. */
async function verified(unit: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-unit-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "tidewatch.service");
  await writeFile(path, unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
  const options = { env: { ...process.env, SYSTEMD_LOG_LEVEL: "info" } };
  const run = promisify(execFile)("systemd-analyze", ["verify", "--man=no", path], options);
  const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
  // It also speaks of other units of this machine.
  return `${stdout}${stderr}`
    .split("\n")
    .filter((line) => line.includes("tidewatch"))
    .join("\n");
}

test.skipIf(!analyze)("systemd finds no fault with the unit, and would find one", async () => {
  const unit = await projectText(file);
  expect(await verified(unit)).toBe("");
  expect(await verified(unit.replace("ProtectHome=", "ProtectHouse="))).toContain("ProtectHouse");
});

async function settings(): Promise<ReadonlyMap<string, string>> {
  const lines = (await projectText(file)).split("\n").filter((line) => /^[A-Z]\w+=/.test(line));
  return new Map(
    lines.map((line): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

test("the unit and the guide mean the same user, folders and files", async () => {
  const unit = await settings();
  const guide = await projectText("docs/deploy.md");
  expect(guide).toContain(`useradd --system --home-dir ${unit.get("WorkingDirectory")}`);
  expect(guide).toMatch(new RegExp(`useradd .* ${unit.get("User")}$`, "m"));
  expect(guide).toContain(`\`${unit.get("EnvironmentFile")}\``);
  expect(unit.get("StateDirectory")).toBe("tidewatch");
  const config = /--config (\S+)/.exec(unit.get("ExecStart") ?? "")?.[1];
  expect(guide).toContain(`--output ${config}`);
});

test("the guide puts the store where the unit lets it be written", async () => {
  const unit = await settings();
  const [, chapter = ""] = (await projectText("docs/deploy.md")).split(/^## 2a.*$/m);
  const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(chapter.split(/^## /m)[0] ?? "") ?? [];
  const config = /--config (\S+)/.exec(unit.get("ExecStart") ?? "")?.[1] ?? "";
  const store = z.object({ store: z.object({ sqlite: z.string() }) }).parse(parse(yaml)).store.sqlite;
  expect(unit.get("ProtectSystem")).toBe("strict");
  expect(resolve(dirname(config), store)).toMatch(new RegExp(`^${unit.get("WorkingDirectory")}/`));
});

test("it may take longer to stop than Tidewatch gives itself, and is started again whatever happens", async () => {
  const unit = await settings();
  expect(Number(unit.get("TimeoutStopSec"))).toBeGreaterThanOrEqual(15);
  expect(unit.get("Restart")).toBe("always");
  expect(unit.get("ExecReload")).toContain("-HUP");
});
