import { expect, test } from "vitest";
import { openLog, type TerminalStyle, terminalLog } from "../../commands/lib/terminal-log.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";

function setup(style: Partial<TerminalStyle> = {}) {
  const lines: string[] = [];
  const log = terminalLog((line) => lines.push(line), {
    now: () => Temporal.Instant.from("2026-11-30T17:42:05.987Z"),
    timeZone: "America/Toronto",
    colour: false,
    stacks: false,
    ...style,
  });
  return { log, said: () => lines.join("") };
}

test("a line is a sentence: local time, message, facts, and then what happened", () => {
  const { log, said } = setup();
  log.info("incident opened", { incident: 9, key: "mastodon", impact: "down", urgency: "page", title: "It is down" });
  log.info("notice sent", {
    notice: "incident-9.page-0.first.email",
    kind: "page",
    channel: "email",
    to: "first",
    attempts: 1,
    seconds: 0.2987,
    title: "It is down",
  });
  log.info("incident resolved", { incident: 9, key: "mastodon", unwatched: false, text: "It works again." });
  expect(said()).toBe(
    "12:42:05  Incident opened (incident 9, mastodon, down, page): It is down\n" +
      "12:42:05  Notice sent (page, email, to first, 1 attempt, 299ms): It is down\n" +
      "12:42:05  Incident resolved (incident 9, mastodon): It works again.\n",
  );
});

test("the level is a word, durations carry their unit, and moments are times of this place", () => {
  const { log, said } = setup();
  log.warn("configuration", { where: "tidewatch.yaml:5", advice: "there is no heartbeat" });
  log.error("a notice was refused for good", { retryInSeconds: undefined, attempts: 3, afterSeconds: 900 });
  log.info("the store can be written again", {
    since: Temporal.Instant.from("2026-11-30T17:00:00.5Z"),
    waiting: 2,
    givenUp: 0,
  });
  log.warn("nothing was seen for a while", { from: "2026-11-30T17:00:00Z", to: "2026-11-30T17:01:00Z" });
  log.warn("restart needed", { notify: ["first", "team"], unwatched: true });
  expect(said()).toBe(
    "12:42:05  Warning: configuration (tidewatch.yaml:5): there is no heartbeat\n" +
      "12:42:05  Error: a notice was refused for good (3 attempts, after 15m)\n" +
      "12:42:05  The store can be written again (since 12:00:00, waiting 2, given up 0)\n" +
      "12:42:05  Warning: nothing was seen for a while (from 12:00:00, to 12:01:00)\n" +
      "12:42:05  Warning: restart needed (notify first, team, unwatched)\n",
  );
});

test("an error is its message and its cause, also as the probing thread hands it over, and no stack trace", () => {
  const { log, said } = setup();
  const full = new StoreUnavailable("the disk is full", { cause: new Error("ENOSPC: no space left") });
  log.error("the store cannot be written", { error: full });
  log.error("internal error in a check", {
    error: { name: "TypeError", message: "x is not a function", stack: "at x" },
  });
  log.error("not accepted", { error: new Error("not accepted: refused", { cause: new Error("refused") }) });
  log.error("no address answered", {
    error: new AggregateError([Object.assign(new Error(), { code: "ECONNREFUSED" })]),
  });
  expect(said()).toBe(
    "12:42:05  Error: the store cannot be written: the disk is full: ENOSPC: no space left\n" +
      "12:42:05  Error: internal error in a check: x is not a function\n" +
      "12:42:05  Error: not accepted: not accepted: refused\n" +
      "12:42:05  Error: no address answered: ECONNREFUSED\n",
  );
});

test("stack traces come when they are asked for, below the sentence", () => {
  const { log, said } = setup({ stacks: true });
  log.error("internal error in a check", { error: new TypeError("x is not a function") });
  expect(said()).toMatch(
    /^12:42:05 {2}Error: internal error in a check: x is not a function\n {4}TypeError: x is .*\n {4}at .*terminal-log\.test\.ts/,
  );
});

test("what strangers said moves no cursor, paints nothing, makes no line, and a secret stays one", () => {
  const { log, said } = setup();
  const nasty = "\u001b[2J\u001b]0;owned\u0007line\r\n09:42:06  All is well\u009b31m\u202e";
  log.warn("check could not be measured", {
    check: nasty,
    probe: { name: nasty, url: new Secret("hunter2") },
    password: new Secret("hunter2"),
    error: new Error(nasty.repeat(500)),
  });
  expect(said().trimEnd()).toMatch(/^[\x20-\x7e…]+$/);
  expect(said()).toContain("password [secret]");
  expect(said()).not.toContain("hunter2");
  expect(said().length).toBeLessThan(2500);
});

test("colours only where a terminal can show them and nobody asked for none", () => {
  const { log, said } = setup({ colour: true });
  log.error("stopping");
  expect(said()).toBe("\u001b[2m12:42:05\u001b[22m  \u001b[31mError:\u001b[39m stopping\n");
});

test.each([
  { isTTY: true, env: {}, line: /^<ESC>\[2m\d\d:\d\d:\d\d<ESC>\[22m {2}Watching \(2 targets\)\n$/ },
  { isTTY: true, env: { NO_COLOR: "1" }, line: /^\d\d:\d\d:\d\d {2}Watching \(2 targets\)\n$/ },
  { isTTY: false, env: {}, line: /^\{"at":"[^"]+Z","level":"info","message":"watching","targets":2\}\n$/ },
])("a terminal ($isTTY) with $env gets what fits", ({ isTTY, env, line }) => {
  let said = "";
  const stderr = { isTTY, write: (text: string) => (said += text) };
  openLog({ stderr, env }).info("watching", { targets: 2 });
  expect(said.replaceAll("\u001b", "<ESC>")).toMatch(line);
});
