/**
 * The smtp probe against a real mail server with STARTTLS: each kind of trouble is told apart, and no mail is ever
 * sent.
 */

import { once } from "node:events";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import probe from "../../probes/smtp.ts";
import { certificate } from "../helpers/certificates.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { tcpServer } from "../helpers/servers.ts";

/** OpenSSL looks at the machine's own clock, so the clock of the check must begin there as well. */
const now = Temporal.Now.instant();
const authority = certificate({ name: "Test Root", authority: true });
const leaf = certificate({ name: "mail.example", hosts: ["mail.example"], by: authority });
const expired = certificate({
  name: "mail.example",
  hosts: ["mail.example"],
  by: authority,
  validFrom: new Date(now.epochMilliseconds - 9e9),
  validTo: new Date(now.epochMilliseconds - 9e7),
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
const look = (port: number, more: object = {}) =>
  runProbe(probe, settings(port, more), { clock: new FakeClock(now.toString()) });
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
    runbook: "mail",
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
  [says(450, "4.7.1 Client host rejected: cannot find your hostname"), "unknown", "blocked: it refuses our address"],
  [says(550, "5.7.1 <x>: Helo command rejected: need fully-qualified hostname"), "unknown", "it refuses our name"],
  [says(550, "5.7.23 SPF validation failed"), "unknown", "blocked: it refuses our address"],
  [says(550, "5.1.1 Recipient address rejected: User blocked by administrator"), "down", "refuses the recipient"],
  [says(550, "User blocked by administrator"), "down", "refuses the recipient"],
  [says(550, "5.2.1 mailbox blacklisted"), "down", "refuses the recipient"],
  [says(554, "5.7.1 Relay access denied"), "down", "refuses the recipient"],
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

test.each([
  ["554 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", "our address"],
  ["554 5.7.1 Dynamic IP address, please use your ISP's relay", "our address"],
  ["450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]", "our address"],
  ["421 4.7.0 too many connections from your IP", "our address"],
  ["554 5.7.1 Service unavailable", "our address"],
])("a greeting of %s says nothing about the mails of others", async (line, whom) => {
  await using server = await scripted(`${line}\r\n`);
  expect(await look(server.port, { tls: "none" })).toMatchObject({
    outcome: "unknown",
    reason: `blocked: it refuses ${whom} (${line}): look from another place`,
    explanation: { en: expect.stringContaining("turned away") },
  });
});

test.each([
  "550 5.7.1 Helo command rejected: need fully-qualified hostname",
  "501 5.5.2 Invalid HELO name (See RFC2821 4.1.1.1)",
  "550 Access denied",
  "504 5.5.2 <[127.0.0.1]>: Helo command rejected: need fully-qualified hostname",
  "450 4.7.1 <[127.0.0.1]>: Helo command rejected: Host not found",
])("a name that is answered with %s is ours to change", async (line) => {
  await using server = await scripted("220 mx\r\n", `${line}\r\n`);
  expect(await look(server.port, { tls: "none" })).toMatchObject({
    outcome: "unknown",
    reason: expect.stringMatching(/^blocked: it refuses our name "\[127\.0\.0\.1\]" .*set `helo`/),
  });
});

test("a server that does not know EHLO is greeted with HELO", async () => {
  const steps = ["220 mx\r\n", "502 command not recognized\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n"];
  await using server = await scripted(...steps);
  expect(await look(server.port, { tls: "none", ...envelope })).toMatchObject({ outcome: "up" });
  await using bare = await scripted(...steps);
  expect(await look(bare.port)).toMatchObject({ outcome: "down", reason: "does not offer STARTTLS" });
});

test("a certificate with a common name only is taken by most, and told", async () => {
  const bare = certificate({ name: "mail.example", by: authority });
  await using server = await mailServer({ key: bare.keyPem, cert: bare.certPem });
  expect(await look(server.port)).toMatchObject({
    outcome: "degraded",
    reason: expect.stringContaining("no alternative names"),
    explanation: { en: "Emails, such as confirmations and notifications, may not get through." },
  });
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

test("a wrong password is offered three times, and then every twenty minutes, so that nobody is shut out", async () => {
  let offered = 0;
  let right = "other";
  await using server = await mailServer({
    onAuth({ password }, _session, done) {
      offered++;
      if (password === right) done(null, { user: "mastodon" });
      else done(Object.assign(new Error("no"), { responseCode: 535 }));
    },
  });
  const clock = new FakeClock(now.toString());
  const memory = new Map();
  const run = () => runProbe(probe, settings(server.port, { account }), { clock, memory });
  for (let minute = 0; minute < 10; minute++) {
    expect(await run()).toMatchObject({
      outcome: "down",
      reason: expect.stringContaining("the user name or password"),
    });
    await clock.turn(60);
  }
  expect(offered).toBe(3);
  right = "right";
  await clock.turn(1200);
  expect(await run()).toMatchObject({ outcome: "up" });
  expect(await run()).toMatchObject({ outcome: "up" });
  expect(offered).toBe(5);
});

test("a password in clear text is refused before anything is sent, and so is a line break in an address", () => {
  const refused = (more: object) => probe.options.safeParse(settings(587, more)).error?.message ?? "";
  expect(refused({ tls: "none", account })).toContain("only sent over an encrypted connection");
  expect(refused({ to: "a@b.example>\r\nDATA" })).toContain("expected an address");
});
