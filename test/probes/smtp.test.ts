/** A real mail server with STARTTLS in every mood: each mood is told apart, and no mail is ever sent. */

import { once } from "node:events";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import probe from "../../probes/smtp.ts";
import { certificate } from "../helpers/certificates.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { tcpServer } from "../helpers/servers.ts";

const authority = certificate({ name: "Test Root", authority: true });
const leaf = certificate({ name: "mail.example", hosts: ["mail.example"], by: authority });
const expired = certificate({
  name: "mail.example",
  hosts: ["mail.example"],
  by: authority,
  validFrom: new Date(Date.now() - 9e9),
  validTo: new Date(Date.now() - 9e7),
});

async function mailServer(options: SMTPServerOptions = {}) {
  let mails = 0;
  const server = new SMTPServer({
    key: leaf.keyPem,
    cert: leaf.certPem,
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth: ({ username, password }, _session, done) =>
      username === "mastodon" && password === "right"
        ? done(null, { user: username })
        : done(Object.assign(new Error("no"), { responseCode: 535 })),
    onData(stream, _session, done) {
      mails++;
      stream.resume().on("end", () => done());
    },
    ...options,
  });
  server.on("error", () => {});
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  const address = server.server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    mails: () => mails,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

const settings = (port: number, more: object = {}) => ({
  host: "127.0.0.1",
  port,
  name: "mail.example",
  ca: new Secret(authority.certPem),
  ...more,
});
const look = (port: number, more: object = {}) => runProbe(probe, settings(port, more));
const account = { user: "mastodon", password: new Secret("right") };
const envelope = { from: "notifications@social.example", to: "test@mail.example" };

const says = (code: number, text: string) => Object.assign(new Error(text), { responseCode: code });

test("the whole way of a mail is up, and no mail is sent", async () => {
  await using server = await mailServer();
  const sample = await look(server.port, { account, ...envelope });
  expect(sample).toMatchObject({ outcome: "up", phases: { tls: expect.any(Number) } });
  expect(sample.readings?.map(({ metric }) => metric)).toContain("certificate_expiry_timestamp_seconds");
  expect(server.mails()).toBe(0);
});

test("implicit TLS and AUTH LOGIN are spoken as well", async () => {
  await using server = await mailServer({ secure: true, authMethods: ["LOGIN"] });
  expect(await look(server.port, { tls: "implicit", account })).toMatchObject({ outcome: "up" });
});

test("a server without STARTTLS stops the mails of whoever insists on it, and nobody else's", async () => {
  await using server = await mailServer({ hideSTARTTLS: true });
  expect(await look(server.port)).toMatchObject({ outcome: "down", reason: "does not offer STARTTLS" });
  expect(await look(server.port, { tls: "none", ...envelope })).toMatchObject({ outcome: "up" });
});

test("a certificate that is over is told, and no password goes over that line", async () => {
  const tried: string[] = [];
  await using server = await mailServer({
    key: expired.keyPem,
    cert: expired.certPem,
    onAuth: ({ username = "" }, _session, done) => {
      tried.push(username);
      done(null, { user: username });
    },
  });
  const sample = await look(server.port, { account });
  expect(sample).toMatchObject({ outcome: "down", reason: expect.stringContaining("certificate expired") });
  expect(tried).toEqual([]);
});

test("a wrong password is told, and never shown", async () => {
  await using server = await mailServer();
  const sample = await look(server.port, { account: { user: "mastodon", password: new Secret("wrong-geheim") } });
  expect(sample).toMatchObject({
    outcome: "down",
    reason: "refuses the user name or password (535)",
    explanation: { fr: expect.stringContaining("courriels") },
  });
  const shown = JSON.stringify(sample);
  expect(shown).not.toContain("geheim");
  expect(shown).not.toContain(Buffer.from("\0mastodon\0wrong-geheim").toString("base64"));
});

test.each([
  [says(550, "5.1.1 no such user"), "down", "refuses the recipient test@mail.example (550 5.1.1 no such user)"],
  [says(452, "4.2.2 mailbox full"), "degraded", "does not take the recipient test@mail.example for now"],
  [says(450, "4.2.0 Greylisted, try again in 300 seconds"), "up", "strangers are asked to come back later"],
  [says(451, "4.3.0 out of order"), "degraded", "for now (451 4.3.0 out of order)"],
  [says(554, "5.7.1 Client host blocked using zen.spamhaus.org"), "unknown", "blocked: it refuses our address"],
])("a recipient that is answered with %s is %s", async (error, outcome, reason) => {
  await using server = await mailServer({ onRcptTo: (_address, _session, done) => done(error) });
  const sample = await look(server.port, envelope);
  expect(sample.outcome).toBe(outcome);
  expect(sample.reason).toContain(reason);
});

test.each([
  [says(421, "too busy"), "degraded", "takes no mails for now (421"],
  [says(554, "no service"), "down", "takes no mails (554"],
])("a greeting of %s is %s", async (error, outcome, reason) => {
  await using server = await mailServer({ onConnect: (_session, done) => done(error) });
  const sample = await look(server.port);
  expect(sample.outcome).toBe(outcome);
  expect(sample.reason).toContain(reason);
});

/** Says its lines in turn, each after one of ours. */
const scripted = (...lines: readonly string[]) =>
  tcpServer((socket) => {
    const left = [...lines];
    const next = () => {
      const line = left.shift();
      if (line !== undefined) socket.write(line);
      else socket.end();
    };
    next();
    socket.on("data", next);
  });

test("words in clear text after STARTTLS are not believed", async () => {
  await using server = await scripted("220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n250 injected\r\n");
  expect(await look(server.port)).toMatchObject({ outcome: "down", reason: expect.stringContaining("clear text") });
});

test("STARTTLS that is offered and refused is told", async () => {
  await using server = await scripted("220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "454 TLS not available\r\n");
  expect(await look(server.port)).toMatchObject({
    outcome: "down",
    reason: "offers STARTTLS, but refuses it (454 TLS not available)",
  });
});

test("one that hangs up in the middle says where", async () => {
  await using server = await scripted("220 hi\r\n");
  const { reason } = await look(server.port, { helo: "probe.example" });
  expect(reason).toBe('connected, then it hung up after "EHLO probe.example"');
});

test.each([
  ["an endless line", "2".repeat(100_000)],
  ["endless lines", "220-x\r\n".repeat(10_000)],
  ["a web page", "HTTP/1.1 400 Bad Request\r\n\r\n"],
])("%s is no SMTP, and is not read to its end", async (_what, bytes) => {
  await using server = await scripted(bytes);
  expect(await look(server.port)).toMatchObject({ outcome: "down", reason: "the answer is not SMTP" });
});

test("a password in clear text is refused before anything is sent, and so is a line break in an address", () => {
  const refused = (more: object) => probe.options.safeParse(settings(587, more)).error?.message ?? "";
  expect(refused({ tls: "none", account })).toContain("only sent over an encrypted connection");
  expect(refused({ to: "a@b.example>\r\nDATA" })).toContain("expected an address");
});
