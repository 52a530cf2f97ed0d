#!/usr/bin/env node
// What `node main.ts` starts. A Node.js before 22.18 opens no file whose name ends in .ts, and stops with a stack trace
// before a line of it is read; but where there is no main.ts, every Node.js tries main.ts.js. So this is plain JavaScript.
const needed = 26;
const { node } = process.versions;

if (Number(node.split(".")[0]) >= needed) {
  await import("./commands/lib/command-line.ts").catch(notInstalled);
} else {
  process.stderr.write(
    `tidewatch: this is Node.js ${node}, too old for Tidewatch: after \`npm ci\`, \`npm start\` and \`./tidewatch …\` ` +
      `use Node.js ${needed}, which comes along.\n`,
  );
  // EX_UNAVAILABLE of sysexits.h: no command has it for a result.
  process.exitCode = 69;
}

function notInstalled(error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND" || !error.message.startsWith("Cannot find package")) throw error;
  process.stderr.write("tidewatch: nothing is installed yet, or not all of it: run `npm ci` in its folder first.\n");
  process.exitCode = 69;
}
