/** The real program, whose mail server refuses: within two minutes the team page says so, and what waits. */
import { expect, test } from "vitest";
import { command as signIn } from "../../commands/sign-in.ts";
import { startCoop } from "../helpers/co-op.ts";
import { until } from "../helpers/program.ts";
import { runCommand } from "../helpers/run-command.ts";

test("/team/outbox names the sick channel with its own words and what waits; /metrics says for how long", async () => {
  await using coop = await startCoop(["mastodon"]);
  coop.mail.block("tempfail");
  const program = await coop.installation.start();
  const { folder } = coop.installation;
  const env = { SMTP_URL: coop.mail.url };
  const { stdout } = await runCommand(signIn, ["contractor@coop.example"], {}, { cwd: folder, env });
  const link = `${program.publicUrl}${new URL(stdout.trim()).pathname}`;
  const headers = { origin: "https://status.example", "content-type": "application/x-www-form-urlencoded" };
  const signedIn = await fetch(link, { method: "POST", redirect: "manual", headers });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const page = async () => (await fetch(`${program.publicUrl}/team/outbox`, { headers: { cookie } })).text();
  expect(await page()).toContain("All that was due has been accepted");

  await coop.service("mastodon").become("errors");
  await program.logged("incident opened");
  await until(async () => expect(await page()).toContain("email accepts nothing"));
  const sick = await page();
  expect(sick).toContain("451 4.3.0 Not now, for practice");
  expect(sick).toContain("mastodon is down");
  await until(async () =>
    expect((await program.metrics()).get("tidewatch_outbox_oldest_due_seconds")).toBeGreaterThan(3),
  );

  coop.mail.block("none");
  await until(async () => expect(await page()).toContain("All that was due has been accepted"));
  await until(async () => expect((await program.metrics()).get("tidewatch_outbox_oldest_due_seconds")).toBe(0));
  expect((await fetch(`${program.publicUrl}/team/outbox`, { redirect: "manual" })).status).toBe(303);
});
