import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { command } from "../../commands/check-config.ts";
import { runCommand } from "../helpers/run-command.ts";

const cwd = join(import.meta.dirname, "../fixtures/config");
const env = { SMTP_URL: "smtp://tidewatch:hunter2@mail.social.example:587" };
const check = (config: string, json = false) => runCommand(command, [], { config, json }, { cwd, env });

test("a good file ends with 0 and says what is watched, how often, and who is told in which order", async () => {
  const { code, stdout, stderr } = await check("good.yaml");
  expect(code).toBe(0);
  expect(stdout).toContain("good.yaml is good.");
  expect(stdout).toContain("1 target with 1 check: 1 a minute");
  expect(stdout).toContain("front every 1m");
  expect(stdout).toMatch(/at once +Contractor \(email\)\n +after 15m +TechOps \(email\)/);
  expect(stderr).toMatch(/^good\.yaml:1:1: warning: there is no heartbeat/m);
  expect(stdout + stderr).not.toContain("hunter2");
});

test("every fault is one line that an editor can jump to, and the end is 2", async () => {
  const { code, stdout, stderr } = await check("unknown-key.yaml");
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toBe(
    'unknown-key.yaml:1:38: there is no setting "time_zone" here: did you mean "timeZone"?\n' +
      "1 fault in unknown-key.yaml. tidewatch.example.yaml shows how each setting is written.\n",
  );
});

test("a machine reads the same as JSON", async () => {
  const good = await check("good.yaml", true);
  expect(good.code).toBe(0);
  expect(JSON.parse(good.stdout)).toMatchObject({ good: true, checksPerMinute: 1, targets: [{ id: "website" }] });
  const bad = await check("bad-duration.yaml", true);
  expect(bad.code).toBe(2);
  const { faults } = z.object({ faults: z.array(z.looseObject({})) }).parse(JSON.parse(bad.stdout));
  expect(faults).toMatchObject([{ file: "bad-duration.yaml", line: 8, column: 71 }]);
});

test("a file that is not there is told with what to do", async () => {
  const { code, stderr } = await check("none.yaml");
  expect(code).toBe(2);
  expect(stderr).toContain("none.yaml:1:1: there is no such file: `./tidewatch init ADDRESS…` writes one");
});
