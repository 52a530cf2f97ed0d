/** The tcp probe: ports that greet, wait for us to speak first, are slow, or say something else. */
import { expect, test } from "vitest";
import probe from "../../probes/tcp.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { type RunProbeSettings, runProbe } from "../helpers/run-probe.ts";
import { tcpServer } from "../helpers/servers.ts";
import { silentServer } from "../helpers/silent-server.ts";

const look = (port: number, more: object = {}, settings: RunProbeSettings = {}) =>
  runProbe(probe, { host: "127.0.0.1", port, ...more }, settings);

test("a connection is enough where nothing is expected", async () => {
  await using silent = await silentServer(() => {});
  expect(await look(silent.port)).toMatchObject({ outcome: "up", phases: { connect: expect.any(Number) } });
  await silent.everybodyLeft;
});

test("a greeting in pieces is put together, another one is told", async () => {
  await using server = await tcpServer((socket) => {
    socket.write("SSH-");
    setImmediate(() => socket.write("2.0-OpenSSH_9.9\r\n"));
  });
  expect(await look(server.port, { expect: "SSH-2.0-" })).toMatchObject({ outcome: "up" });
});

test("another greeting is told, once no better line has followed for a while", async () => {
  const clock = new FakeClock();
  await using server = await tcpServer((socket) => void socket.write("SSH-2.0-OpenSSH_9.9\r\n"));
  const over = new AbortController();
  const looking = look(server.port, { expect: "SSH-1.9" }, { clock, timeoutSeconds: 1e9 }).finally(() => over.abort());
  while (!over.signal.aborted) await clock.turn(1);
  expect(await looking).toMatchObject({
    outcome: "down",
    reason: 'greets with "SSH-2.0-OpenSSH_9.9", not "SSH-1.9"',
  });
});

test("other lines may come before the one that is expected, in whatever pieces", async () => {
  await using server = await tcpServer((socket) => {
    const inTurn = ([piece, ...others]: readonly string[]): void => {
      if (piece !== undefined) socket.write(piece, () => setImmediate(inTurn, others));
    };
    inTurn(["Authorized use only.\r\nBe nice.", "\r\nSSH-2.", "0-OpenSSH_9.9\r\n"]);
  });
  expect(await look(server.port, { expect: "SSH-2.0-" })).toMatchObject({ outcome: "up" });
});

test("in the middle of a line it does not count, and nobody reads for ever", async () => {
  await using server = await tcpServer((socket) => void socket.end("no SSH-2.0- here\r\n"));
  expect(await look(server.port, { expect: "SSH-2.0-" })).toMatchObject({ outcome: "down" });
  await using endless = await tcpServer((socket) => void socket.write("x\r\n".repeat(1_000_000)));
  expect(await look(endless.port, { expect: "SSH-2.0-" })).toMatchObject({ outcome: "down" });
});

test("a server that wants to be asked is asked", async () => {
  await using server = await tcpServer((socket) => socket.once("data", (data) => socket.end(`+PONG ${data}`)));
  expect(await look(server.port, { send: "PING\r\n", expect: "+PONG PING" })).toMatchObject({ outcome: "up" });
});

test("one that hangs up without a word is down", async () => {
  await using server = await tcpServer((socket) => void socket.end());
  expect(await look(server.port, { expect: "x" })).toMatchObject({ outcome: "down", reason: "hung up without a word" });
});

test("one that never says its word is down at the deadline, and says where the time went", async () => {
  const clock = new FakeClock();
  await using silent = await silentServer(() => clock.turn(60), { whenever: "connected" });
  const sample = await runProbe(probe, { host: "127.0.0.1", port: silent.port, expect: "x" }, { clock });
  expect(sample).toMatchObject({ outcome: "down", reason: expect.stringMatching(/^connected in .*, then no answer/) });
});

test("strangers' bytes are shown as harmless text", async () => {
  await using server = await tcpServer((socket) => void socket.end("\u001b[31mboo\u0000\u202e"));
  const { reason } = await look(server.port, { expect: "hello" });
  expect(reason).toBe('greets with "boo", not "hello"');
});
