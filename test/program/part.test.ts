import { expect, test } from "vitest";
import { parseConfig } from "../../program/config-file.ts";
import { type Part, PartList } from "../../program/part.ts";
import type { ConfigSource } from "../../program/start-options.ts";

const text = "organisation: { name: Co-op }\ntargets: [{ id: wiki, planned: true }]";
const source: ConfigSource = { text, file: "tidewatch.yaml", folder: "/" };
const config = parseConfig(text, { ...source, probes: {}, channels: {}, env: {} });

/** A part that writes down what happens to it. */
function noted(name: string, did: string[], more: Partial<Part> = {}): Part {
  return {
    name,
    async begin() {
      did.push(`${name} begins`);
      return { [Symbol.asyncDispose]: async () => void did.push(`${name} closes`) };
    },
    async run(signal) {
      did.push(`${name} runs`);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      did.push(`${name} heard the signal`);
      await new Promise((resolve) => setImmediate(resolve));
      did.push(`${name} ends`);
    },
    reconfigure: () => void did.push(`${name} is reloaded`),
    ...more,
  };
}

test("each part begins and runs before the next one begins", async () => {
  const did: string[] = [];
  await using parts = new PartList();
  await parts.start([noted("store", did), noted("scheduler", did)]);
  expect(did).toEqual(["store begins", "store runs", "scheduler begins", "scheduler runs"]);
});

test("a reload asks the last part first; when that refuses, the others stay as they were", async () => {
  const did: string[] = [];
  let refusal: Error | undefined;
  await using parts = new PartList();
  const reconfigure = () => {
    if (refusal) throw refusal;
    did.push("scheduler is reloaded");
  };
  await parts.start([noted("store", []), noted("judge", did), noted("scheduler", [], { reconfigure })]);
  did.length = 0;
  await parts.reconfigure(config, source);
  expect(did).toEqual(["scheduler is reloaded", "judge is reloaded"]);
  refusal = new Error("the thread cannot use it");
  await expect(parts.reconfigure(config, source)).rejects.toThrow(refusal);
  expect(did).toEqual(["scheduler is reloaded", "judge is reloaded"]);
});

test("all parts hear the signal before any is waited for, and the last one is closed first", async () => {
  const did: string[] = [];
  const parts = new PartList();
  await parts.start([noted("store", did), noted("scheduler", did)]);
  did.length = 0;
  await parts[Symbol.asyncDispose]();
  const position = (what: string) => did.indexOf(what);
  const heard = ["store heard the signal", "scheduler heard the signal"].map(position);
  expect(Math.max(...heard)).toBeLessThan(Math.min(...["store ends", "scheduler ends"].map(position)));
  expect(position("scheduler ends")).toBeLessThan(position("scheduler closes"));
  expect(did.filter((what) => what.endsWith("closes"))).toEqual(["scheduler closes", "store closes"]);
});

test("a part that cannot begin ends the start, and what had begun is closed", async () => {
  const did: string[] = [];
  const begin = () => Promise.reject(new Error("the port is taken"));
  const starting = async () => {
    await using parts = new PartList();
    await parts.start([noted("store", did), noted("listeners", did, { begin }), noted("scheduler", did)]);
  };
  await expect(starting()).rejects.toThrow("the port is taken");
  expect(did).toEqual(["store begins", "store runs", "store heard the signal", "store ends", "store closes"]);
});

test("a part that ends by itself fails the whole, with its name; one that ends at the signal does not", async () => {
  const parts = new PartList();
  const failures: unknown[] = [];
  parts.failed.catch((error: unknown) => failures.push(error));
  await parts.start([noted("store", [])]);
  await parts[Symbol.asyncDispose]();
  expect(failures).toEqual([]);

  await using broken = new PartList();
  await broken.start([{ name: "judge", run: () => Promise.reject(new Error("a bug")) }]);
  await expect(broken.failed).rejects.toThrow('the loop "judge" ended');
});

test("health names the parts that can have a fault, also before they have begun", async () => {
  await using parts = new PartList();
  let atBegin: unknown;
  const begin = async () => {
    atBegin = parts.health();
    return undefined;
  };
  await parts.start([
    { name: "pages", run: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())) },
    { name: "outbox", fault: () => "email has accepted nothing for 130 s" },
    { name: "store", fault: () => undefined },
    { name: "listeners", begin },
    { name: "scheduler", fault: () => "the scheduler has not moved for 61 s" },
  ]);
  expect(JSON.stringify(atBegin)).toBe('{"scheduler":false,"store":true,"outbox":false}');
  expect(parts.health()).toEqual(atBegin);
  expect(parts.fault()).toBe("the scheduler has not moved for 61 s; email has accepted nothing for 130 s");
});
