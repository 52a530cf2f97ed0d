/**
 * Fuzzing without an end: the properties that `npm test` tries with one seed, those of hostile bytes above all, tried with
 * one seed after the other. What they are is written where they are tested.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Proof } from "./lib/proof.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const Report = z.object({
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({
      /** What kept a whole file from running. */
      message: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), failureMessages: z.array(z.string()) })),
    }),
  ),
});

export const proof: Proof = {
  summary: "Parsers of hostile bytes, and all other properties of pure code, with more seeds",
  async round(seed, stop) {
    const files = await filesWithProperties();
    const { numPassedTests } = await runTests(files, seed, stop);
    return `${numPassedTests} tests in ${files.length} files`;
  },
};

/** Not those of probes, which start real servers: much time for few cases. */
async function filesWithProperties(): Promise<readonly string[]> {
  const names = await readdir(join(root, "test"), { recursive: true });
  const files = names.filter((name) => name.endsWith(".test.ts") && !name.startsWith("probes"));
  const texts = await Promise.all(
    files.map(async (name) => ({ file: join("test", name), text: await readFile(join(root, "test", name), "utf8") })),
  );
  return texts.filter(({ text }) => text.includes('from "fast-check"')).map(({ file }) => file);
}

/** With vitest, as `npm test` does; it knows the seed from the environment (test/helpers/same-every-time.ts). */
async function runTests(files: readonly string[], seed: number, stop: AbortSignal) {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-fuzz-"));
  const report = join(folder.path, "report.json");
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--reporter=json", `--outputFile=${report}`, ...files], {
    cwd: root,
    env: { ...process.env, TIDEWATCH_TEST_SEED: String(seed) },
    stdio: ["ignore", "ignore", "inherit"],
    signal: stop,
  });
  const [code]: unknown[] = await once(child, "close");
  const read = Report.parse(JSON.parse(await readFile(report, "utf8")));
  if (code !== 0) throw new Error(`a property does not hold:\n${failures(read)}`);
  return read;
}

function failures({ testResults }: z.infer<typeof Report>): string {
  return testResults
    .flatMap(({ message, assertionResults }) => [
      message,
      ...assertionResults
        .filter(({ failureMessages }) => failureMessages.length > 0)
        .map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join("\n")}`),
    ])
    .filter((text) => text !== "")
    .join("\n\n");
}
