/** What somebody reads who starts Tidewatch at a terminal. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type Coop, startCoop } from "../helpers/co-op.ts";
import { openTerminal, terminalTest } from "../helpers/terminal.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

const start = ({ installation, mail }: Coop, env: Readonly<Record<string, string>> = {}) =>
  openTerminal([process.execPath, main, "run"], {
    cwd: installation.folder,
    env: { SMTP_URL: mail.url, NO_COLOR: "1", TZ: "America/Vancouver", ...env },
  });

terminalTest("first where the pages are, then sentences: an outage, its mail, its end, Ctrl-C", async () => {
  await using coop = await startCoop(["mastodon"], { server: '{ public: "127.0.0.1:0", private: "127.0.0.1:0" }' });
  await using terminal = start(coop);
  await terminal.shows("Watching (");
  const [, page = "", team = "", email = "", metrics = ""] =
    /^\n {2}Status page {5}(\S+)\n {2}Team pages {6}(\S+)\n.*sign-in (\S+) prints one\)\n {2}Metrics {9}(\S+)\n\n {2}Ctrl-C stops it\.\n\n\d\d:\d\d:\d\d {2}Watching \(1 target, /.exec(
      terminal.shown(),
    ) ?? [];
  expect(await (await fetch(page)).text()).toContain("mastodon");
  expect((await fetch(team)).status).toBe(200);
  expect(email).toBe("contractor@coop.example");
  expect(await (await fetch(metrics)).text()).toContain("tidewatch_build_info");
  await terminal.shows("Warning: configuration (tidewatch.yaml:");

  await coop.service("mastodon").become("stopped");
  await terminal.shows(/Incident opened \(incident 1, mastodon, down, page\): mastodon is down: refused on 127/);
  await terminal.shows(
    /Notice sent \(page, email, to contractor, 1 attempt, \w+\): \[Tidewatch #1\] mastodon is down\n/,
  );
  await coop.service("mastodon").become("healthy");
  await terminal.shows(/Incident resolved \(incident 1, mastodon\): mastodon works again/);

  terminal.press("\u0003");
  expect(await terminal.ended()).toBe(0);
  expect(terminal.shown()).toMatch(/\^C\n\d\d:\d\d:\d\d {2}Stopping\n/);
  expect(terminal.shown()).not.toMatch(/[{}]|<ESC>|^ +at /m);
});

terminalTest("the address that members have stands first, and this machine's beside it", async () => {
  await using coop = await startCoop(["mastodon"]);
  await using terminal = start(coop);
  await terminal.shows("Ctrl-C stops it.");
  expect(terminal.shown()).toMatch(
    /^\n {2}Status page {5}https:\/\/status\.example\/\n {18}\(on this machine: http:\/\/127\.0\.0\.1:\d+\/\)\n {2}Team pages {6}https:\/\/status\.example\/team\/\n/,
  );
});

terminalTest("a colour marks the level, and nothing else of the sentence", async () => {
  await using coop = await startCoop(["mastodon"]);
  await using terminal = start(coop, { NO_COLOR: "" });
  await terminal.shows("<ESC>[33mWarning:<ESC>[39m configuration (tidewatch.yaml:");
});

terminalTest("a configuration with faults, and a store that another one holds, are sentences too", async () => {
  await using coop = await startCoop(["mastodon"]);
  await using first = start(coop);
  await first.shows("Ctrl-C stops it.");
  await using second = start(coop);
  expect(await second.ended()).toBe(1);
  expect(second.shown()).toBe(
    `tidewatch: ${join(coop.installation.folder, "data", "tidewatch.db")} is in use by another Tidewatch\n` +
      "Stop the other one first, or give this one its own file under `store.sqlite`.\n",
  );
  await coop.installation.configure(coop.yaml({ more: "heartbeet: {}" }));
  await using third = start(coop);
  expect(await third.ended()).toBe(2);
  expect(third.shown()).toMatch(
    /^tidewatch\.yaml:\d+:1: there is no setting "heartbeet" here: did you mean "heartbeat"\?\n1 fault in tidewatch\.yaml\. [^\n]*\n$/,
  );
});
