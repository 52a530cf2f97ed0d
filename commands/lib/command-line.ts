/** The program: reads the arguments, runs one command, says errors in a sentence and how to mend them. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { nearest } from "../../core/config/spelling-suggestion.ts";
import { ConfigError, Refused, StoreUnavailable } from "../../core/errors.ts";
import type { Command, CommandContext, Exits } from "./command.ts";
import { faultsText } from "./faults-text.ts";

const commands: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  run: () => import("../run.ts"),
  init: () => import("../init.ts"),
  "check-config": () => import("../check-config.ts"),
  probe: () => import("../probe.ts"),
  capacity: () => import("../capacity.ts"),
  "sign-in": () => import("../sign-in.ts"),
  heartbeat: () => import("../heartbeat.ts"),
  backup: () => import("../backup.ts"),
  restore: () => import("../restore.ts"),
};

/** EX_USAGE of sysexits.h: `tidewatch prob mastodon` must not pass for a result of `probe`. */
const wrongWords = 64;
/** What shells say of a command that Ctrl-C ended. */
const stoppedEarly = 130;
const shutdown = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => shutdown.abort(new Error(`stopped by ${signal}`)));
}

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  version: version(),
  stdout: process.stdout,
  stderr: process.stderr,
  signal: shutdown.signal,
});

async function main(argv: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return usage(context);
  if (name === "--version") return say(context, `tidewatch ${context.version}\n`);
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) {
    const meant = nearest(name, Object.keys(commands));
    context.stderr.write(`tidewatch: there is no command "${name}"${meant ? `; did you mean "${meant}"?` : ""}\n`);
    context.stderr.write("`./tidewatch --help` lists them.\n");
    return wrongWords;
  }
  const { command } = await load();
  try {
    return await runCommand(command, rest, context);
  } catch (error) {
    return explain(error, context, command.exits);
  }
}

async function runCommand(command: Command, argv: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { ...command.options, help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values["help"]) return help(command, context);
  const { least, most } = command.positionals ?? { least: 0, most: 0 };
  if (positionals.length < least || positionals.length > most) {
    context.stderr.write(`Usage: ./tidewatch ${command.usage}\nExample: ${command.example}\n`);
    return command.exits?.usage ?? 2;
  }
  return command.run({ values, positionals }, context);
}

/** Errors a person can mend are told in their own words; anything else is our bug and comes with its stack. */
function explain(error: unknown, { stderr, env, signal }: CommandContext, exits: Exits | undefined): number {
  if (!(error instanceof Error)) throw error;
  // Who stopped it in the middle knows why it ended.
  if (error === signal.reason) return stoppedEarly;
  if (error instanceof ConfigError) {
    stderr.write(faultsText(error.faults));
    return exits?.config ?? 2;
  }
  if (error instanceof Refused) {
    stderr.write(`tidewatch: ${error.message}\n${error.remedy}\n`);
    return exits?.usage ?? 1;
  }
  if (error instanceof StoreUnavailable) {
    stderr.write(`tidewatch: the store cannot be used now: ${error.message}\nTry again when that is mended.\n`);
    return 1;
  }
  if ("code" in error && typeof error.code === "string" && error.code.startsWith("ERR_PARSE_ARGS")) {
    stderr.write(`tidewatch: ${error.message}\n\`--help\` after the command shows what it takes.\n`);
    return exits?.usage ?? 2;
  }
  stderr.write(`tidewatch: this is a bug in Tidewatch: ${error.message}\n`);
  stderr.write(env["TIDEWATCH_DEBUG"] ? `${error.stack}\n` : "Set TIDEWATCH_DEBUG=1 to see where it happened.\n");
  return 70;
}

async function usage(context: CommandContext): Promise<number> {
  const lines = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => `  ${name.padEnd(14)}${(await load()).command.summary}\n`),
  );
  return say(
    context,
    `Tidewatch ${context.version} watches a Fediverse co-op.\n\nUsage: ./tidewatch COMMAND …\n\n${lines.join("")}\n` +
      "`./tidewatch COMMAND --help` says more. `npm start` is `tidewatch run`.\n",
  );
}

function help(command: Command, context: CommandContext): number {
  const options = Object.entries(command.options ?? {}).map(([name, option]) => {
    const value = option.type === "string" ? ` ${(option.default ? String(option.default) : name).toUpperCase()}` : "";
    return `  --${name}${option.type === "string" && option.default ? ` FILE (default ${String(option.default)})` : value}\n`;
  });
  const list = options.length > 0 ? `\nOptions:\n${options.join("")}` : "";
  return say(
    context,
    `${command.summary}\n\nUsage: ./tidewatch ${command.usage}\n${list}\nExample:\n  ${command.example}\n${exitsText(command.exits)}`,
  );
}

function exitsText(exits: Exits | undefined): string {
  if (!exits) return "";
  const { found, usage, config } = exits;
  const rows: Exits["found"] = [
    ...found,
    [usage, "nothing was looked at: a name or an option is wrong"],
    [config, "nothing was looked at: the configuration has a fault"],
  ];
  return `\nExit code:\n${rows.map(([code, meaning]) => `  ${String(code).padStart(2)} ${meaning}\n`).join("")}`;
}

function say(context: CommandContext, text: string): number {
  context.stdout.write(text);
  return 0;
}

function version(): string {
  const file: { readonly version: string } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return file.version;
}
