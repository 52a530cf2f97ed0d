/** Prints what the test run counted, in one line, and fails when a test failed, was skipped, or none ran. */
import { readFileSync } from "node:fs";
import { z } from "zod";

const Results = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number().default(0),
});

const [file = "", code = "1"] = process.argv.slice(2);
const results = read(file);
const skipped = results.numPendingTests + results.numTodoTests;
const good = code === "0" && results.numFailedTests === 0 && skipped === 0 && results.numPassedTests > 0;
if (skipped > 0) process.stderr.write("A skipped test fails this run: what it needs must be found or fetched here.\n");
process.stdout.write(
  `${results.numPassedTests} passed, ${results.numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
);
process.exitCode = good ? 0 : 1;

function read(path: string): z.infer<typeof Results> {
  try {
    return Results.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    process.stderr.write("No test ran: the check before the tests failed (see above).\n");
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 };
  }
}
