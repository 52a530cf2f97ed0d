#!/usr/bin/env node
// What `node main.ts` starts. A Node.js before 22.18 opens no file whose name ends in .ts, and stops with a stack trace
// before a line of it is read; but where there is no main.ts, every Node.js tries main.ts.js. So this is plain JavaScript.
import { setFlagsFromString } from "node:v8";

const needed = 26;
const { node } = process.versions;

/** The allocator of Linux reads these once, when a process begins: one arena, and what is freed goes back soon. */
const allocator = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "131072" };
/** V8's option for the main thread: young objects get little room, and are looked through often. Other threads have limits. */
const heap = "--max-semi-space-size=1";

if (Number(node.split(".")[0]) >= needed) {
  if (process.argv[2] === "run") beginInLittleMemory();
  await import("./commands/lib/command-line.ts").catch(notInstalled);
} else {
  process.stderr.write(
    `tidewatch: this is Node.js ${node}, too old for Tidewatch: after \`npm ci\`, \`npm start\` and \`./tidewatch …\` ` +
      `use Node.js ${needed}, which comes along.\n`,
  );
  // EX_UNAVAILABLE of sysexits.h: no command has it for a result.
  process.exitCode = 69;
}

/** Begins this process once more, with the same number, where the variables are not there yet; goes on where that cannot be. */
function beginInLittleMemory() {
  const { env, execve, execPath, argv0, execArgv, argv, connected, platform, emitWarning } = process;
  const absent = Object.keys(allocator).some((name) => env[name] === undefined);
  // Node.js takes either sign between the words.
  const isSized = [...execArgv, env.NODE_OPTIONS ?? ""].some((said) => /--max[-_]semi[-_]space[-_]size/.test(said));
  // Who started us with a channel would lose it.
  if ((absent || !isSized) && execve && platform === "linux" && !connected) {
    const options = isSized ? [] : [heap];
    // That it is experimental is nothing for whoever starts us.
    process.emitWarning = () => {};
    try {
      execve(execPath, [argv0, ...options, ...execArgv, ...argv.slice(1)], { ...allocator, ...env });
    } catch {
      process.emitWarning = emitWarning;
    }
  }
  // They are for us, and not for what we start.
  for (const [name, value] of Object.entries(allocator)) if (env[name] === value) delete env[name];
  if (execArgv.includes(heap)) setFlagsFromString("--max-semi-space-size=0");
}

function notInstalled(error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND" || !error.message.startsWith("Cannot find package")) throw error;
  process.stderr.write("tidewatch: nothing is installed yet, or not all of it: run `npm ci` in its folder first.\n");
  process.exitCode = 69;
}
