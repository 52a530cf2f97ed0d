/** The contract of all probes: whoever adds one finds here what it must do, and need not write these tests again. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { openHttp } from "../../collector/network/http-client.ts";
import { resolveSecrets } from "../../core/config/settings.ts";
import { languages } from "../../core/language.ts";
import { readingFamilies } from "../../core/metric-families.ts";
import type { Probe } from "../../core/probe.ts";
import type { Sample } from "../../core/sample.ts";
import { Secret } from "../../core/secret.ts";
import { loadProbes } from "../../program/plug-ins.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { familiesOf, runProbe } from "../helpers/run-probe.ts";
import { silentServer } from "../helpers/silent-server.ts";

const probes = Object.entries(await loadProbes());
const remote = probes.filter(([, probe]) => "url" in exampleOf(probe) || "host" in exampleOf(probe));

test("the folder has the probes that the standard checks name", () => {
  const names = probes.map(([name]) => name);
  const target = { url: "https://a.example" };
  const named = probes.flatMap(([, { kind }]) => kind?.checks(target) ?? []).map(({ probe }) => probe);
  expect(names).toEqual(expect.arrayContaining(["http", "mastodon", "castopod", "pixelfed", ...named]));
});

describe.each(probes)("%s", (_name, probe) => {
  test("says in one line what it does", () => {
    expect(probe.summary).toMatch(/^[A-Z][^\n]{10,150}\.$/);
  });

  test("has an example that its own schema takes", () => {
    expect(addresses(1).some((address) => parsed(probe, exampleOf(probe), address).success)).toBe(true);
  });

  test("describes every setting", () => {
    const schema = z.toJSONSchema(probe.options, { io: "input", unrepresentable: "any" });
    expect(undescribed(schema)).toEqual([]);
    expect(
      undescribed({ properties: { bare: {}, list: { description: "x", items: { properties: { a: {} } } } } }),
    ).toEqual(["bare", "list.a"]);
  });

  test("refuses a setting that it does not know", () => {
    const { success } = parsed(probe, { ...exampleOf(probe), unheardOf: 1 }, addresses(1)[0] ?? "");
    expect(success).toBe(false);
  });

  test("declares each metric that its thresholds look at", () => {
    const declared = familiesOf(probe).map(({ name }) => name);
    for (const { id, metric } of thresholdsOf(probe)) expect([id, ...declared]).toContain(metric);
  });

  test("names a runbook that exists, where it names one", () => {
    const { runbook = "service-down" } = probe;
    expect(existsSync(new URL(`../../docs/runbooks/${runbook}.md`, import.meta.url)), runbook).toBe(true);
  });

  test("tells of its thresholds in every language, with a runbook, and clears below where it raises", () => {
    const thresholds = thresholdsOf(probe);
    expect(new Set(thresholds.map(({ id }) => id)).size).toBe(thresholds.length);
    for (const { id, title, runbook, raiseAt, clearAt, metric } of thresholds) {
      for (const language of languages) expect(title[language], id).toMatch(/\S/);
      expect(existsSync(new URL(`../../docs/runbooks/${runbook}.md`, import.meta.url)), `runbook of ${id}`).toBe(true);
      expect(clearAt, id).toBeLessThan(raiseAt);
      expect(metric).toMatch(metricName);
      expect(metric).not.toMatch(otherUnits);
    }
  });

  test("brings standard checks that the probes they name understand", () => {
    for (const check of probe.kind?.checks({ url: "https://a.example" }) ?? []) {
      const { id: _id, probe: named, every: _every, ...settings } = check;
      const [, meant] = probes.find(([name]) => name === named) ?? [];
      expect(meant?.options.safeParse(settings).success, check.id).toBe(true);
    }
  });
});

describe.each(remote)("%s, which asks a server,", (_name, probe) => {
  test("finds a closed port down, and says so", async () => {
    const port = await closedPort();
    const sample = await runProbe(probe, optionsAt(probe, port));
    expect(sample).toMatchObject({ outcome: "down", reason: expect.stringMatching(/refused/) });
    expect(sample.readings ?? []).toEqual([]);
    explains(sample);
  });

  test("ends promptly when it is told to, and leaves nothing open", async () => {
    const stop = new AbortController();
    await using silent = await silentServer(() => stop.abort(new Error("shutdown")), { whenever: "connected" });
    const http = openHttp({ userAgent: "Tidewatch/test" }).forRun(stop.signal);
    const options = probe.options.parse(optionsAt(probe, silent.port));
    const context = { signal: stop.signal, clock: new FakeClock(), http, net: http.net, memory: new Map() };
    // The clock stands still: only the signal can end this.
    await probe.run(options, context).catch(() => {});
    await silent.everybodyLeft;
    expect(silent.open).toBe(0);
  });

  test("has given up at its deadline, and leaves nothing open", async () => {
    const clock = new FakeClock();
    await using silent = await silentServer(() => clock.turn(120), { whenever: "connected" });
    const sample = await runProbe(probe, optionsAt(probe, silent.port), { clock, timeoutSeconds: 100 });
    expect(sample.outcome).toBe("down");
    explains(sample);
    await silent.everybodyLeft;
    expect(silent.open).toBe(0);
  });

  test.each([
    ["nothing", ""],
    ["noise", "\u0000\u00ff\u0001\u00fe".repeat(100)],
    ["the wrong protocol", "220 mail.example ESMTP\r\n"],
  ])("takes %s for an answer as an outage, not as an accident", async (_what, bytes) => {
    await using rude = await rudeServer(bytes);
    const sample = await runProbe(probe, optionsAt(probe, rude.port));
    expect(["down", "unknown"]).toContain(sample.outcome);
    expect(sample.reason).toMatch(/\S/);
    expect(sample.reason).not.toContain("the check itself failed");
    explains(sample);
  });

  test.each([
    ["an error", "500 Internal Server Error"],
    ["a refusal", "403 Forbidden"],
  ])("explains %s of a web server to members", async (_what, status) => {
    await using rude = await rudeServer(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
    explains(await runProbe(probe, optionsAt(probe, rude.port)));
  });
});

test("metrics have names in base units", () => {
  for (const { name } of readingFamilies(Object.fromEntries(probes))) {
    expect(name).toMatch(metricName);
    expect(name).not.toMatch(otherUnits);
  }
});

/** Whatever is not as it should be has a sentence for members, in every language and without our jargon. */
function explains({ outcome, explanation }: Sample): void {
  expect(outcome).not.toBe("up");
  for (const language of languages) {
    expect(explanation?.[language], language).toMatch(/^\p{Lu}[^{}\n]+\.$/u);
    expect(explanation?.[language]).not.toMatch(/ECONN|TCP|Redis|SQL|\d{3}|undefined/);
  }
}

const metricName = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$/;
const otherUnits =
  /_(?:ms|us|millis|milliseconds|minutes|hours|days|kb|mb|gb|kib|mib|gib|kilobytes|megabytes|percent)(?:_|$)/;

function exampleOf(probe: Probe): Readonly<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).parse(probe.example);
}

/** Whatever kind of address a probe takes, one of these is it. */
const addresses = (port: number) =>
  ["http", "redis", "postgres", "mysql"].map((scheme) => `${scheme}://127.0.0.1:${port}/0`);

/** The example with an address of this kind where its secret stands. */
const parsed = (probe: Probe, settings: object, address: string) =>
  probe.options.safeParse(resolveSecrets(settings, () => address));

const thresholdsOf = (probe: Probe) => {
  const options = addresses(1).flatMap((address) => {
    const result = parsed(probe, exampleOf(probe), address);
    return result.success ? [result.data] : [];
  })[0];
  return probe.thresholds?.(options) ?? [];
};

/** The example, but for a server on this port. */
function optionsAt(probe: Probe, port: number): Readonly<Record<string, unknown>> {
  const example = exampleOf(probe);
  if ("host" in example) {
    const settings = resolveSecrets({ ...example, host: "127.0.0.1", port }, () => "secret");
    return z.record(z.string(), z.unknown()).parse(settings);
  }
  const plain = typeof example["url"] === "string";
  const [found] = addresses(port)
    .map((address) => resolveSecrets({ ...example, url: plain ? address.slice(0, -2) : new Secret(address) }, () => ""))
    .filter((settings) => probe.options.safeParse(settings).success);
  return z.record(z.string(), z.unknown()).parse(found);
}

/** Paths of settings without a description, at any depth. */
function undescribed(schema: unknown, path = ""): readonly string[] {
  const node = Node.safeParse(schema).data;
  if (!node) return [];
  const { properties = {}, items, additionalProperties, anyOf = [], oneOf = [] } = node;
  const here = Object.entries(properties).flatMap(([name, setting]) => [
    ...(Node.safeParse(setting).data?.description ? [] : [`${path}${name}`]),
    ...undescribed(setting, `${path}${name}.`),
  ]);
  return [...here, ...[items, additionalProperties, ...anyOf, ...oneOf].flatMap((part) => undescribed(part, path))];
}
const Node = z.object({
  description: z.string().min(1).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
});

async function closedPort(): Promise<number> {
  await using server = await silentServer(() => {});
  return server.port;
}

/** Says its piece to everybody and hangs up. */
async function rudeServer(bytes: string) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    socket.end(Buffer.from(bytes, "latin1"));
  });
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
