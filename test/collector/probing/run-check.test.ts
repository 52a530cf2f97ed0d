import { trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { openHttp } from "../../../collector/network/http-client.ts";
import { InternalErrors } from "../../../collector/probing/internal-errors.ts";
import { type RunParts, runCheck } from "../../../collector/probing/run-check.ts";
import { assumeOnline, type SelfCheck } from "../../../collector/probing/self-check.ts";
import { deadlinePassed } from "../../../core/deadline.ts";
import { NotMeasured, Unreachable } from "../../../core/errors.ts";
import { defineProbe, type Probe } from "../../../core/probe.ts";
import type { Sample } from "../../../core/sample.ts";
import { systemClock } from "../../../program/system-clock.ts";
import { certificate } from "../../helpers/certificates.ts";
import { aCheck } from "../../helpers/checks.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { closedPort, dnsServer, httpServer, httpsServer, tcpServer } from "../../helpers/servers.ts";
import { testLog } from "../../helpers/test-log.ts";

const offline: SelfCheck = {
  check: async () => ({ online: false, reason: "192.0.2.53:53: no answer" }),
  reached: () => {},
};

const aProbe = (run: Probe["run"]): Probe => defineProbe({ summary: "", options: z.unknown(), example: {}, run });

function setup(run: Probe["run"], wishes: Partial<RunParts> = {}) {
  const clock = new FakeClock();
  const log = testLog();
  const end = new AbortController();
  const parts: RunParts = {
    probe: aProbe(run),
    http: openHttp({ userAgent: "Tidewatch/test (+https://status.example/; contact@example.org)" }),
    clock,
    selfCheck: assumeOnline,
    vantagePoint: "here",
    signal: end.signal,
    memory: new Map(),
    log,
    ...wishes,
  };
  return { parts, clock, log, end, run: () => runCheck(aCheck(), parts) };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a finding becomes a sample with its when, where and how long", async () => {
  const { run, clock } = setup(async (_options, { clock, signal }) => {
    await clock.sleep(2.5, signal);
    return { outcome: "degraded", reason: "slow", explanation: { en: "slow", fr: "lent" } };
  });
  const running = run();
  await clock.turn(3);
  expect(await running).toMatchObject({
    target: "mastodon",
    check: "web",
    vantagePoint: "here",
    outcome: "degraded",
    reason: "slow",
    explanation: { en: "slow", fr: "lent" },
    durationSeconds: 2.5,
    loopDelaySeconds: expect.any(Number),
  });
  expect((await running).at.toString()).toBe("2026-11-23T12:00:00Z");
  expect(await running).not.toHaveProperty("sinceLastSeconds");
});

test("the second run knows how long ago the first one began, whatever the wall clock says", async () => {
  const { run, clock } = setup(async () => ({ outcome: "up" }));
  await run();
  await clock.turn(60);
  clock.jump(-3600);
  expect(await run()).toMatchObject({ sinceLastSeconds: 60 });
});

test("how long a run took does not depend on the wall clock, which may be set meanwhile", async () => {
  const { run, clock } = setup(async (_options, { clock, signal }) => {
    await clock.sleep(2.5, signal);
    return { outcome: "up" };
  });
  const running = run();
  clock.jump(-3600);
  await clock.turn(3);
  expect(await running).toMatchObject({ durationSeconds: 2.5 });
});

test("no answer is down, with the sentence, the phases and the evidence", async () => {
  const { run } = setup(async () => {
    throw new Unreachable("refused on 192.0.2.1:443", {
      stage: "connect",
      phases: { connect: 0.1 },
      evidence: "tried twice",
    });
  });
  expect(await run()).toMatchObject({
    outcome: "down",
    reason: "refused on 192.0.2.1:443",
    phases: { connect: 0.1 },
    evidence: "tried twice",
  });
});

test("a failure leads to the runbook that helps: the finding's, that of what the connection failed at, the probe's", async () => {
  await using plain = await httpServer((_request, response) => void response.end());
  const bad = { outcome: "degraded" } as const;
  await using dns = await dnsServer(() => ({ code: "NXDOMAIN" }));
  const nameless = { http: openHttp({ userAgent: "Tidewatch/test", servers: [dns.server] }) };
  const runbook = async (run: Probe["run"], wishes: Partial<RunParts> = {}) =>
    (await setup(run, { probe: { ...aProbe(run), runbook: "mail" }, ...wishes }).run()).runbook;
  expect(await runbook(async () => bad)).toBe("mail");
  expect(await runbook(async () => ({ ...bad, runbook: "disk-full" }))).toBe("disk-full");
  expect(await runbook(async () => ({ outcome: "up" }))).toBeUndefined();
  const asked =
    (url: string) =>
    async (_options: unknown, { http }: Parameters<Probe["run"]>[1]) => {
      await http.get(url);
      return bad;
    };
  expect(await runbook(asked(plain.url.replace("http:", "https:")))).toBe("certificate");
  expect(await runbook(asked("http://nowhere.example/"), nameless)).toBe("dns");
  expect(await runbook(asked("http://127.0.0.1:1/"))).toBe("mail");
  const conversed: Probe["run"] = (_options, { net }) =>
    net.converse({ host: "nowhere.example", port: 25 }, async () => bad);
  expect(await runbook(conversed, nameless)).toBe("dns");
  expect((await setup(async () => bad).run()).runbook).toBeUndefined();
});

test("no answer while we cannot reach anything ourselves is unknown, and what was seen is kept", async () => {
  const thrown = setup(
    async () => {
      throw new Unreachable("refused", { stage: "connect", evidence: "tried twice" });
    },
    { selfCheck: offline },
  );
  expect(await thrown.run()).toMatchObject({
    outcome: "unknown",
    reason: "we could not reach anything ourselves: 192.0.2.53:53: no answer",
    evidence: "refused\ntried twice",
  });
  const swallowed = setup(
    async (_options, { http }) => {
      await http.get("http://127.0.0.1:1/").catch(() => {});
      return { outcome: "degraded", reason: "half of it is missing" };
    },
    { selfCheck: offline },
  );
  expect(await swallowed.run()).toMatchObject({ outcome: "unknown" });
});

test("a bad answer is down even when the self-check fails: it did come through", async () => {
  const { run } = setup(async () => ({ outcome: "down", reason: "answered 502" }), { selfCheck: offline });
  expect(await run()).toMatchObject({ outcome: "down", reason: "answered 502" });
});

test("an internal error is unknown, logged once with its stack, and counted each time", async () => {
  const log = testLog();
  const internalErrors = new InternalErrors(log);
  const { run } = setup(
    async () => {
      throw new TypeError("cannot read properties of undefined");
    },
    { log, internalErrors },
  );
  expect(await run()).toMatchObject({ outcome: "unknown", reason: "the check itself failed (TypeError)" });
  await run();
  expect(internalErrors.total).toBe(2);
  expect(log.lines).toEqual([
    {
      level: "error",
      message: "internal error in a check",
      fields: { check: "mastodon/web", probe: "http", error: expect.any(TypeError) },
    },
  ]);
});

test("a probe that throws at once, or something that is no error, does no harm", async () => {
  const atOnce = setup(() => {
    throw new Error("at once");
  });
  expect(await atOnce.run()).toMatchObject({ outcome: "unknown" });
  const odd = setup(() => Promise.reject(null));
  expect(await odd.run()).toMatchObject({ outcome: "unknown" });
});

test("trouble of our own machine is unknown and says what it is", async () => {
  const { run, log } = setup(() =>
    Promise.reject(new NotMeasured("this program has too many files open", { localFault: true })),
  );
  expect(await run()).toMatchObject({ outcome: "unknown", reason: "this program has too many files open" });
  expect(log.lines).toMatchObject([{ level: "warn" }]);
});

test("what could not be measured is unknown with its evidence, and no internal error", async () => {
  const { run, log } = setup(() => Promise.reject(new NotMeasured("we may not enter", { evidence: "EACCES /srv" })));
  expect(await run()).toMatchObject({ outcome: "unknown", reason: "we may not enter", evidence: "EACCES /srv" });
  expect(log.lines).toEqual([]);
});

test("the deadline is the end of the wait", async () => {
  const { run, clock } = setup((_options, { signal }) => untilAborted(signal));
  const running = run();
  await clock.turn(10);
  expect(await running).toMatchObject({ outcome: "down", reason: "no result within 10 s", durationSeconds: 10 });
});

test("a server that hangs is down at the deadline, with the whole story", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => socket.once("data", () => arrived.resolve()));
  const { run, clock } = setup(async (_options, { http }) => {
    await http.get(server.url);
    return { outcome: "up" };
  });
  const running = run();
  await arrived.promise;
  await clock.turn(10);
  const sample = await running;
  expect(sample).toMatchObject({ outcome: "down", durationSeconds: 10 });
  expect(sample.reason).toMatch(/^connected in \d+ ms, then no answer within/);
  expect(sample.evidence).toContain(`127.0.0.1:${server.port} connected after`);
  await server.allClosed();
});

test("a probe that does not heed its signal is left behind a second later, and not begun again before it is back", async () => {
  const back = Promise.withResolvers<void>();
  let begun = 0;
  const { run, clock } = setup(async () => {
    begun += 1;
    await back.promise;
    return { outcome: "up" };
  });
  const running = run();
  await clock.turn(10.9);
  expect(await Promise.race([running, "still waiting"])).toBe("still waiting");
  await clock.turn(0.2);
  expect(await running).toMatchObject({ outcome: "unknown", durationSeconds: 11 });
  expect(await run()).toMatchObject({ outcome: "unknown", reason: "the run before has not ended yet" });
  expect(begun).toBe(1);
  back.resolve();
  await clock.turn(1);
  expect(await run()).toMatchObject({ outcome: "up" });
});

test("what a probe leaves open is closed at the end of its run", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => socket.once("data", () => arrived.resolve()));
  const { run } = setup(async (_options, { http }) => {
    http.get(server.url).catch(() => {});
    await arrived.promise;
    return { outcome: "up" };
  });
  expect(await run()).toMatchObject({ outcome: "up" });
  await server.allClosed();
});

test("a shutdown is no sample", async () => {
  const { run, end } = setup((_options, { signal }) => untilAborted(signal));
  const running = run();
  end.abort(new Error("shutdown"));
  await expect(running).rejects.toThrow("shutdown");
  await expect(run()).rejects.toThrow("shutdown");
});

test("what strangers said is short, plain and without passwords", async () => {
  const { run } = setup(async () => ({
    outcome: "down",
    reason: `answered \u001b[31m${"x".repeat(500)}`,
    evidence: `https://user:hunter2@host.example/\n\u202Eevil\u0000${"y".repeat(5000)}`,
    readings: [
      { metric: "good", value: 1, labels: { version: "4.5\u001b[0m" } },
      { metric: "endless", value: Number.POSITIVE_INFINITY },
      { metric: "none", value: Number.NaN },
    ],
  }));
  const { reason = "", evidence = "", readings } = await run();
  expect(reason).toHaveLength(200);
  expect(reason.startsWith("answered xxx")).toBe(true);
  expect(evidence).toHaveLength(2000);
  expect(evidence.startsWith("https://host.example/\nevil y")).toBe(true);
  expect(readings).toEqual([{ metric: "good", value: 1, labels: { version: "4.5" } }]);
});

test("phases and addresses are those of the first request; the earliest certificate of all answers is a reading", async () => {
  const authority = certificate({ name: "Authority", authority: true });
  const at = (days: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + days * 86_400_000);
  const late = certificate({ name: "late", hosts: ["127.0.0.1"], by: authority, validTo: at(60) });
  const soon = certificate({ name: "soon", hosts: ["127.0.0.1"], by: authority, validTo: at(5) });
  await using first = await httpsServer(late, (_request, response) => response.end());
  await using second = await httpsServer(soon, (_request, response) => void response.end());
  const ca = authority.certPem;
  const measured: Sample["phases"][] = [];
  const { run } = setup(async (_options, { http }) => {
    const answers = await Promise.all([http.get(first.url, { ca }), http.get(second.url, { ca })]);
    measured.push(...answers.map((answer) => answer.phases));
    return { outcome: "up" };
  });
  const { readings, phases, addresses } = await run();
  expect(addresses).toEqual(["127.0.0.1"]);
  expect(readings).toEqual([{ metric: "certificate_expiry_timestamp_seconds", value: soon.validTo.getTime() / 1000 }]);
  expect(phases).toEqual(measured[0]);
  expect(phases).not.toEqual(measured[1]);
});

test("a deadline reason that a client passes on is told from an internal error", async () => {
  const { run } = setup(() => Promise.reject(deadlinePassed()));
  expect(await run()).toMatchObject({ outcome: "down", reason: "no result within 10 s" });
});

test("a thread that was busy meanwhile says so", async () => {
  const { run } = setup(
    async () => {
      const until = performance.now() + 80;
      while (performance.now() < until);
      return { outcome: "up" };
    },
    { clock: systemClock },
  );
  expect((await run()).loopDelaySeconds).toBeGreaterThan(0.04);
});

afterEach(() => trace.disable());

test("each run is a span, with its phases as children at their true times", async () => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  await using server = await httpServer((_request, response) => setTimeout(() => response.writeHead(503).end(), 50));
  const { run } = setup(
    async (_options, { http }) => {
      const { status } = await http.get(`http://user:hunter2@127.0.0.1:${server.port}/path?token=hunter2`);
      return { outcome: "down", reason: `answered ${status}` };
    },
    { clock: systemClock },
  );
  const sample = await run();
  const spans = exporter.getFinishedSpans();
  const root = spans.find(({ name }) => name === "check run");
  expect(root?.attributes).toMatchObject({
    "tidewatch.target": "mastodon",
    "tidewatch.check": "web",
    "tidewatch.outcome": "down",
    "http.request.method": "GET",
    "http.response.status_code": 503,
    "server.address": "127.0.0.1",
    "server.port": server.port,
    "url.full": `${server.url}/path?…`,
  });
  const processing = spans.find(({ name }) => name === "processing");
  expect(processing?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
  const seconds = (processing?.duration[0] ?? 0) + (processing?.duration[1] ?? 0) / 1e9;
  expect(seconds).toBeCloseTo(sample.phases?.processing ?? 0, 5);
  const startOffset =
    (processing?.startTime[0] ?? 0) * 1000 + (processing?.startTime[1] ?? 0) / 1e6 - sample.at.epochMilliseconds;
  expect(startOffset).toBeGreaterThanOrEqual(0);
  // A nanosecond of a span is a fraction of what a number of this size can hold.
  expect(startOffset).toBeLessThanOrEqual(sample.durationSeconds * 1000 + 1);
});

test("what could not be measured says whether we were connected: then somebody has to let us in", async () => {
  await using wall = await httpServer((_request, response) => void response.writeHead(403).end());
  const address = `http://127.0.0.1:${await closedPort()}/`;
  const refused: Probe["run"] = async (_options, { http }) => {
    const { status } = await http.get(wall.url);
    return { outcome: "unknown", reason: `blocked (${status})` };
  };
  const unreachable: Probe["run"] = async (_options, { http }) => {
    await http.get(address).catch(() => {});
    return { outcome: "unknown", reason: "nobody could be asked" };
  };
  const ours: Probe["run"] = async () => {
    throw new NotMeasured("no socket is left", { localFault: true });
  };
  const connected = async (run: Probe["run"], wishes: Partial<RunParts> = {}) =>
    (await setup(run, wishes).run()).connected;
  expect(await connected(refused)).toBe(true);
  expect(await connected(unreachable)).toBe(true);
  expect(await connected(unreachable, { selfCheck: offline })).toBe(undefined);
  expect(await connected(ours)).toBe(undefined);
  expect(await connected(async () => ({ outcome: "up" }))).toBe(undefined);
});
