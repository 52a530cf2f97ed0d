/** The tls probe: certificates wrong in every way, each told apart from the others and from a good one. */

import { once } from "node:events";
import { createServer } from "node:tls";
import { expect, test } from "vitest";
import type { Sample } from "../../core/sample.ts";
import { Secret } from "../../core/secret.ts";
import probe from "../../probes/tls.ts";
import { type CertificateWishes, type Certified, certificate } from "../helpers/certificates.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { tcpServer } from "../helpers/servers.ts";

/** OpenSSL looks at the machine's own clock, so the certificates and the clock of the check must both begin there. */
const now = Temporal.Now.instant();
const days = (count: number) => new Date(now.epochMilliseconds + count * 86_400_000);
const root = certificate({ name: "Test Root", authority: true });
const middle = certificate({ name: "Test Middle", authority: true, by: root });
const strange = certificate({ name: "Strange Root", authority: true });
const good: CertificateWishes = { name: "social.example", hosts: ["social.example", "*.social.example"], by: root };

interface Wishes {
  readonly chain?: readonly Certified[];
  readonly maxVersion?: "TLSv1.2" | "TLSv1.1";
}

async function tlsServer(leaf: Certified, { chain = [], maxVersion = "TLSv1.2" }: Wishes = {}) {
  const cert = [leaf, ...chain].map(({ certPem }) => certPem).join("");
  const versions = { maxVersion, ...(maxVersion === "TLSv1.1" && ({ minVersion: "TLSv1" } as const)) };
  const server = createServer({ key: leaf.keyPem, cert, ciphers: "DEFAULT@SECLEVEL=0", ...versions }, (socket) => {
    socket.on("error", () => {});
    socket.resume();
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

const look = (port: number, more: object = {}) =>
  runProbe(
    probe,
    { host: "127.0.0.1", port, name: "social.example", ca: new Secret(root.certPem), ...more },
    { clock: new FakeClock(now.toString()) },
  );

async function seen(wishes: Partial<CertificateWishes>, more: object = {}, server: Wishes = {}) {
  await using running = await tlsServer(certificate({ ...good, ...wishes }), server);
  return await look(running.port, more);
}

const endOf = ({ readings }: Sample) =>
  readings?.find(({ metric }) => metric === "certificate_expiry_timestamp_seconds")?.value;
/** Certificates know no milliseconds. */
const secondOf = (date: Date) => Math.floor(date.getTime() / 1000);

test("a good certificate is up, with its end", async () => {
  const sample = await seen({ validTo: days(30) });
  expect(sample).toMatchObject({ outcome: "up", phases: { tls: expect.any(Number) } });
  expect(sample.reason).toBeUndefined();
  expect(endOf(sample)).toBe(secondOf(days(30)));
});

test("a chain with its middle is up, one without it is incomplete", async () => {
  const leaf = certificate({ ...good, by: middle });
  await using whole = await tlsServer(leaf, { chain: [middle] });
  expect(await look(whole.port)).toMatchObject({ outcome: "up" });
  await using half = await tlsServer(leaf);
  expect(await look(half.port)).toMatchObject({
    outcome: "down",
    reason: "incomplete chain: the server does not send the certificate of its issuer “Test Middle”",
  });
});

test("what is sent beside the good chain ends whenever it likes", async () => {
  const ancient = certificate({ name: "Ancient Root", authority: true, validTo: days(2) });
  const crossSigned = certificate({
    name: "Test Root",
    authority: true,
    by: ancient,
    sameKeyAs: root,
    validTo: days(1),
  });
  const leaf = { by: middle, validTo: days(80) };
  const longMiddle = certificate({
    name: "Test Middle",
    authority: true,
    by: root,
    sameKeyAs: middle,
    validTo: days(45),
  });
  for (const chain of [
    [longMiddle, ancient],
    [ancient, longMiddle],
    [longMiddle, crossSigned, ancient],
  ]) {
    const sample = await seen(leaf, {}, { chain });
    expect(sample).toMatchObject({ outcome: "up" });
    expect(sample.reason).toBeUndefined();
    expect(endOf(sample)).toBe(secondOf(days(45)));
  }
});

test("an authority of our own that ends first is what counts", async () => {
  const brief = certificate({ name: "Brief Root", authority: true, validTo: days(1.99) });
  const sample = await seen({ by: brief }, { ca: new Secret(brief.certPem) });
  expect(sample).toMatchObject({ outcome: "up", reason: "the certificate ends in 47 hours" });
});

test("a name that stands only where browsers no longer look is refused, and says so", async () => {
  const sample = await seen({ hosts: [] });
  expect(sample).toMatchObject({
    outcome: "down",
    reason: "certificate has no alternative names (SAN), only the common name “social.example”: browsers refuse it",
    explanation: { en: expect.stringContaining("not safe") },
  });
  expect((await seen({ hosts: [] }, { name: "other.example" })).reason).toBe(sample.reason);
});

test("each way of being broken has its own sentence, and one for members in both languages", async () => {
  const broken = {
    expired: await seen({ validFrom: days(-90), validTo: days(-1) }),
    early: await seen({ validFrom: days(1), validTo: days(90) }),
    alone: certificate({ name: "social.example", hosts: ["social.example"] }),
    wrongName: await seen({ hosts: ["other.example"] }),
    stranger: await seen({ by: strange }, {}, { chain: [strange] }),
  };
  await using alone = await tlsServer(broken.alone);
  const samples = [broken.expired, broken.early, await look(alone.port), broken.wrongName, broken.stranger];
  expect(samples.map(({ outcome }) => outcome)).toEqual(Array(5).fill("down"));
  expect(samples.map(({ reason }) => reason?.replace(/\d{4}-\d\d-\d\d/, "DAY"))).toEqual([
    "certificate expired DAY",
    "certificate is not valid before DAY",
    "certificate is self-signed",
    "certificate is for other.example, not for social.example",
    "certificate comes from an authority nobody knows, “Strange Root”",
  ]);
  for (const { explanation, evidence, runbook } of samples) {
    expect(runbook).toBe("certificate");
    expect(explanation?.en).toMatch(/safe/);
    expect(explanation?.fr).toMatch(/sûr/);
    expect(evidence).toContain("CN=");
  }
});

test("all that is wrong is said at once", async () => {
  const leaf = certificate({ name: "x", hosts: ["other.example"], validFrom: days(-90), validTo: days(-1) });
  await using running = await tlsServer(leaf);
  const { reason } = await look(running.port);
  expect(reason).toMatch(/expired/);
  expect(reason).toMatch(/self-signed/);
  expect(reason).toMatch(/is for other\.example/);
});

test("one that is about to end is up, with a note, and a ticket before anybody notices", async () => {
  const sample = await seen({ validTo: days(5.5) });
  expect(sample).toMatchObject({ outcome: "up", reason: "the certificate ends in 5 days" });
  const overdue = sample.readings?.find(({ metric }) => metric === "certificate_renewal_overdue_seconds")?.value ?? 0;
  const levels = probe.thresholds?.(probe.options.parse({ host: "social.example" })) ?? [];
  const raised = levels.filter(({ raiseAt }) => overdue >= raiseAt).map(({ urgency }) => urgency);
  expect(raised).toEqual(["ticket"]);
});

test("further names are looked for, a star covers one part", async () => {
  expect(await seen({}, { alsoFor: ["files.social.example", "social.example"] })).toMatchObject({ outcome: "up" });
  expect(await seen({}, { alsoFor: ["a.b.social.example", "other.example"] })).toMatchObject({
    outcome: "degraded",
    reason: "certificate is not for a.b.social.example, other.example",
  });
});

test("an old version of TLS is degraded where a newer one is wanted, and down where it is too old for anybody", async () => {
  expect(await seen({}, { atLeast: "TLSv1.3" })).toMatchObject({
    outcome: "degraded",
    reason: "speaks TLSv1.2, not TLSv1.3",
  });
  expect(await seen({}, {}, { maxVersion: "TLSv1.1" })).toMatchObject({
    outcome: "down",
    reason: expect.stringContaining("too old"),
  });
});

test("a port that does not speak TLS says so", async () => {
  await using plain = await tcpServer((socket) => void socket.end("220 mail.example ESMTP\r\n"));
  expect(await look(plain.port)).toMatchObject({
    outcome: "down",
    reason: "TLS: the server does not speak TLS on this port",
  });
});
