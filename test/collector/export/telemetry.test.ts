/** OpenTelemetry as an operator meets it: spans of the real program at a real receiver, or nothing at all. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startCoop } from "../../helpers/co-op.ts";
import { until } from "../../helpers/program.ts";
import { silentServer } from "../../helpers/silent-server.ts";

interface Received {
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

/** What an OpenTelemetry collector is to us: it takes everything. */
async function receiver() {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request));
    received.push({ path: `${request.method} ${request.url}`, contentType: request.headers["content-type"], body });
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    /** Protobuf keeps strings as they are. */
    text: () => Buffer.concat(received.map(({ body }) => body)).toString("latin1"),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("spans of checks and deliveries arrive over OTLP, the last ones at the shutdown", async () => {
  await using collector = await receiver();
  await using coop = await startCoop(["forum"], { more: `telemetry: { otlp: "${collector.url}/" }` });
  const program = await coop.installation.start();
  await coop.service("forum").become("stopped");
  await until(() => expect(coop.mail.mails().length).toBeGreaterThan(0));
  expect((await program.stop()).code).toBe(0);
  for (const { path, contentType } of collector.received) {
    expect({ path, contentType }).toEqual({ path: "POST /v1/traces", contentType: "application/x-protobuf" });
  }
  const text = collector.text();
  // From the probing thread, and from the main one.
  for (const name of ["check run", "deliver notice"]) expect(text).toContain(name);
  for (const word of ["service.name", "tidewatch", "service.version", "tidewatch.target", "forum"])
    expect(text).toContain(word);
});

test.each(["hangs", "refuses"])("a collector that %s delays the shutdown by 3 s at most", async (how) => {
  await using silent = await silentServer(() => {});
  const url = how === "hangs" ? `http://127.0.0.1:${silent.port}` : "http://127.0.0.1:9";
  await using coop = await startCoop(["forum"], { more: `telemetry: { otlp: "${url}" }` });
  const program = await coop.installation.start();
  await coop.service("forum").become("stopped");
  await until(() => expect(coop.mail.mails().length).toBeGreaterThan(0));
  const { code, seconds } = await program.stop();
  expect(code).toBe(0);
  // Two seconds are for everything else, which takes a tenth of that on a machine with nothing else to do.
  expect(seconds).toBeLessThan(3 + 2);
});

type Environment = Readonly<Record<string, string>>;

/** Opens telemetry in a process of its own, which says which modules of OpenTelemetry that took, and makes a span. */
async function loaded(settings: unknown, env: Environment = {}): Promise<number> {
  const script = `
    import { registerHooks } from "node:module";
    let count = 0;
    registerHooks({ load(url, context, next) { if (url.includes("@opentelemetry")) count++; return next(url, context); } });
    const { openTelemetry } = await import(${JSON.stringify(new URL("../../../collector/export/telemetry.ts", import.meta.url).href)});
    await using telemetry = await openTelemetry(${JSON.stringify(settings)}, { version: "1.0.0", env: process.env });
    console.log(count);
    const { trace } = await import("@opentelemetry/api");
    trace.getTracer("test").startSpan("a span", { attributes: { "tidewatch.word": "much longer than that" } }).end();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    env: { PATH: process.env["PATH"], ...env },
  });
  return Number(stdout);
}

test("without an address nothing of the SDK is even loaded; with one it is", async () => {
  expect(await loaded(undefined)).toBe(0);
  expect(await loaded({})).toBe(0);
  expect(await loaded(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: "" })).toBe(0);
  expect(await loaded({ otlp: "http://127.0.0.1:9" }, { OTEL_SDK_DISABLED: "true" })).toBe(0);
  expect(await loaded({ otlp: "http://127.0.0.1:9" })).toBeGreaterThan(10);
  expect(await loaded(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" })).toBeGreaterThan(10);
});

/** What arrives of that one span. */
async function exported(env: Environment): Promise<string> {
  await using collector = await receiver();
  await loaded({ otlp: collector.url }, env);
  return collector.text();
}

test("what is told of this machine is its name and system, not its folders nor its user", async () => {
  const text = await exported({});
  for (const word of ["a span", "host.name", "os.type", "service.instance.id"]) expect(text).toContain(word);
  for (const word of ["process.", process.execPath, process.cwd()]) expect(text).not.toContain(word);
  expect(await exported({ OTEL_NODE_RESOURCE_DETECTORS: "process" })).toContain("process.owner");
  expect(await exported({ OTEL_NODE_RESOURCE_DETECTORS: "none" })).not.toContain("host.");
});

test("the OTEL_* variables say the name, the resource, the sampler, the limits and another address", async () => {
  const named = await exported({
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=practice,service.version=2.0.0",
    OTEL_SERVICE_NAME: "our-watch",
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "9",
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
  });
  for (const word of ["our-watch", "deployment.environment.name", "practice", "2.0.0", "much long"])
    expect(named).toContain(word);
  for (const word of ["1.0.0", "much longer"]) expect(named).not.toContain(word);
  expect(await exported({ OTEL_TRACES_SAMPLER: "always_off" })).toBe("");
  expect(await exported({ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" })).toBe("");
  await using other = await receiver();
  expect(await exported({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${other.url}/elsewhere` })).toBe("");
  expect(other.received.map(({ path }) => path)).toEqual(["POST /elsewhere"]);
});
