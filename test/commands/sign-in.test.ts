import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command } from "../../commands/sign-in.ts";
import { verifyToken } from "../../core/action-token.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";

const configuration = `
organisation: { name: CoSocial, url: "https://cosocial.ca", timeZone: America/Vancouver }
server: { url: "https://status.cosocial.ca" }
store: { sqlite: ./data/tidewatch.db }
targets:
  - { id: mastodon, name: Mastodon, url: "https://cosocial.ca", checks: [{ id: web, probe: http, url: "https://cosocial.ca" }] }
alerts:
  contacts: [{ id: contractor, name: Robin, email: oncall@example.org, timeZone: America/Toronto }]
  email: { from: tidewatch@example.org, smtp: { env: SMTP_URL } }
  escalation: [{ after: 0m, notify: [contractor] }]
`;

async function setup() {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-sign-in-"));
  await writeFile(join(folder.path, "tidewatch.yaml"), configuration);
  const out: string[] = [];
  const err: string[] = [];
  return {
    out,
    err,
    store: join(folder.path, "data", "tidewatch.db"),
    run: (email: string) =>
      command.run(
        { values: { config: "tidewatch.yaml" }, positionals: [email] },
        {
          env: { SMTP_URL: "smtp://127.0.0.1:25" },
          cwd: folder.path,
          version: "0.0.0",
          stdout: { write: (text: string) => out.push(text) },
          stderr: { write: (text: string) => err.push(text) },
          signal: new AbortController().signal,
        },
      ),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test("prints a link that the running Tidewatch accepts, while it runs", async () => {
  await using place = await setup();
  await using store = await openSqliteStore(place.store);
  const key = await store.keys.signing("action");
  expect(await place.run("OnCall@example.org")).toBe(0);
  expect(place.out.join("")).toMatch(/^https:\/\/status\.cosocial\.ca\/team\/sign-in\/\S+\n$/);
  expect(place.err.join("")).toBe("Signs in as Robin, once, within 30 minutes:\n");
  const token = place.out.join("").trim().replace("https://status.cosocial.ca/team/sign-in/", "");
  expect(verifyToken(token, key, Temporal.Now.instant())).toMatchObject({
    ok: true,
    token: { purpose: "sign-in", contact: "contractor" },
  });
});

test("an address nobody has is refused, with the one that was probably meant", async () => {
  await using place = await setup();
  await using _ = await openSqliteStore(place.store);
  await expect(place.run("oncal@example.org")).rejects.toMatchObject({
    message: "oncal@example.org is not the e-mail address of any contact.",
    remedy: "Did you mean oncall@example.org?",
  });
  await expect(place.run("nobody@elsewhere.example")).rejects.toMatchObject({
    remedy: expect.stringContaining("alerts.contacts"),
  });
});

test("without a store there is nothing to sign with, and a sentence says so", async () => {
  await using place = await setup();
  await expect(place.run("oncall@example.org")).rejects.toMatchObject({ name: "Refused" });
});
