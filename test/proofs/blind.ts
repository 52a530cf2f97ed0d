/**
 * The real program, blind for ten minutes by silent loss between network namespaces, in each of the set-ups at the same time:
 * nothing is told of any service, what was not seen is unknown, and somebody learns that nothing was seen.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { hosts, setUps } from "./lib/blind-set-ups.ts";
import { type Line, openLine } from "./lib/line.ts";
import type { Proof } from "./lib/proof.ts";

const world = fileURLToPath(new URL("./lib/blind-world.ts", import.meta.url));

export const proof: Proof = {
  summary: "the real program, ten minutes blind by silent loss between network namespaces",
  async round(seed, stop) {
    using lines = new DisposableStack();
    const opened = Object.keys(setUps).map((name, number) => {
      const lineName = `tw${process.pid}-${number}`;
      return { name, seed: seed + number, lineName, line: lines.use(openLine(lineName, Object.values(hosts))) };
    });
    const worlds = opened.map((one) => runSetUp(one, stop));
    // Each is seen to its end, also where another one failed.
    const seen = await Promise.allSettled(worlds);
    const failures = seen.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join("\n"));
    return Object.keys(setUps).join(", ");
  },
};

interface Opened {
  readonly name: string;
  readonly seed: number;
  readonly lineName: string;
  readonly line: Line;
}

async function runSetUp({ name, seed, lineName, line }: Opened, stop: AbortSignal): Promise<void> {
  const words = ["netns", "exec", line.away, process.execPath, "--disable-warning=ExperimentalWarning"];
  const child = spawn("ip", [...words, world, name, lineName, `${seed}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  // It ends what it started before it ends itself.
  const end = () => void child.kill("SIGTERM");
  stop.addEventListener("abort", end);
  const [code]: unknown[] = await once(child, "close");
  stop.removeEventListener("abort", end);
  if (code !== 0) throw new Error(`${name}: ${printed}`);
  process.stdout.write(`  ${name}: ${printed}`);
}
