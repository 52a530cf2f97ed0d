import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Coop, startCoop, target } from "../helpers/co-op.ts";
import { until } from "../helpers/program.ts";
import { smallServer } from "../helpers/small-server.ts";

/** Starts it, and what it says when it gives up. */
async function refusal(coop: Coop): Promise<{ readonly code: number | null; readonly said: string }> {
  const program = coop.installation.spawn();
  const code = await program.exited();
  return { code, said: program.printed() };
}

/** Its store is free again: nothing of the program runs any more. */
function expectStoreIsFree(coop: Coop): void {
  using lock = new DatabaseSync(`${coop.installation.store}.lock`);
  lock.exec("begin exclusive; rollback;");
}

test("what says that it watches is healthy, serves its page and its metrics", async () => {
  await using coop = await startCoop(["mastodon"]);
  const program = await coop.installation.start();
  expect(await program.health()).toEqual({
    status: 200,
    body: JSON.stringify({
      ok: true,
      parts: { scheduler: true, judge: true, store: true, auditor: true, connection: true, outbox: true },
    }),
  });
  expect(await program.page()).toContain("mastodon");
  expect((await program.metrics()).get("tidewatch_outbox_pending")).toBe(0);
  expect((await fetch(`${program.publicUrl}/healthz`)).status).toBe(200);
});

test.each(["public", "private"] as const)(
  "a %s port that is taken is a sentence that names the setting",
  async (side) => {
    await using coop = await startCoop(["mastodon"]);
    await using taken = await smallServer({});
    const other = side === "public" ? "private" : "public";
    await coop.installation.configure(coop.yaml({ server: `{ ${side}: "${taken.host}", ${other}: "127.0.0.1:0" }` }));
    const { code, said } = await refusal(coop);
    expect(code).toBe(1);
    expect(said).toContain(`Something else already listens on ${taken.host}.`);
    expect(said).toContain(`server.${side}`);
    expect(said).not.toMatch(/bug|\n\s+at /);
    expectStoreIsFree(coop);
  },
);

test("a store that cannot be made is a sentence that names the setting", async () => {
  await using coop = await startCoop(["mastodon"]);
  await writeFile(join(coop.installation.folder, "file"), "in the way");
  await coop.installation.configure(coop.yaml({ store: "./file/tidewatch.db" }));
  const { code, said } = await refusal(coop);
  expect(code).toBe(1);
  expect(said).toContain("cannot be opened");
  expect(said).toContain("store.sqlite");
  expect(said).not.toMatch(/bug|\n\s+at /);
});

test("a second program on the same store gives up at once, and the first goes on", async () => {
  await using coop = await startCoop(["mastodon"]);
  const first = await coop.installation.start();
  const { code, said } = await refusal(coop);
  expect(code).toBe(1);
  expect(said).toContain("is in use by another Tidewatch");
  await coop.service("mastodon").become("errors");
  await until(() => expect(coop.mail.mails()).toHaveLength(1));
  expect(await first.stop()).toMatchObject({ code: 0 });
});

test("a store that somebody else holds at the start is waited for, and nothing measured meanwhile is lost", async () => {
  await using coop = await startCoop(["mastodon"]);
  await (await coop.installation.start()).stop();
  using other = new DatabaseSync(coop.installation.store);
  other.exec("begin immediate");
  const program = await coop.installation.start();
  expect(await program.page()).toContain("mastodon");
  await program.logged("the store cannot be used; samples wait in memory");
  await coop.service("mastodon").become("errors");
  other.exec("rollback");
  await until(() => expect(coop.mail.mails()).toHaveLength(1));
  expect(program.printed()).not.toMatch(/bug/);
});

test("a practice co-op without a place for its data says which place it tried", () => {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const env = { ...process.env, TMPDIR: "/no/such/folder" };
  const { status, stderr } = spawnSync(process.execPath, [main, "run"], { cwd: "/", env, encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toContain("/no/such/folder takes none");
  expect(stderr).toContain("Set TMPDIR");
});

test("Ctrl-C while the practice co-op is still being started ends it without a word about bugs", async () => {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, "run"], { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      if (printed === "") child.kill("SIGINT");
      printed += text;
    });
  }
  const [code]: unknown[] = await once(child, "close");
  expect(printed).toBe(
    "No tidewatch.yaml here. Starting the practice co-op. One moment; the first time it fetches a Redis into ~/.cache …\n",
  );
  expect(code).toBe(130);
});

test("every fault of a broken configuration is printed with its place, and nothing is begun", async () => {
  await using coop = await startCoop(["mastodon"]);
  await coop.installation.configure(
    coop.yaml({ targets: [target("podcasts", "not an address", "nonsense")], more: "heartbeet: {}" }),
  );
  const { code, said } = await refusal(coop);
  expect(code).toBe(2);
  const file = join(coop.installation.folder, "tidewatch.yaml");
  const faults = said.split("\n").filter((line) => line.startsWith(`${file}:`));
  expect(faults.length).toBeGreaterThanOrEqual(3);
  for (const fault of faults) expect(fault).toMatch(/:\d+:\d+: ./);
  expect(said).toMatch(/heartbeet.*heartbeat/);
});

test("a secret that is not there is told at the start, by its name", async () => {
  await using coop = await startCoop(["mastodon"]);
  await coop.installation.configure(coop.yaml().replace("env: SMTP_URL", "env: NO_SUCH_SECRET"));
  const { code, said } = await refusal(coop);
  expect(code).toBe(2);
  expect(said).toContain("NO_SUCH_SECRET");
});
