/** `tidewatch probe`: runs checks once, now, and shows everything that was seen. */

import type { Config } from "../core/config/config.ts";
import { nearest } from "../core/config/spelling-suggestion.ts";
import { Refused } from "../core/errors.ts";
import { checkKey, type Outcome } from "../core/sample.ts";
import { worstOf } from "../core/severity.ts";
import type { Check } from "../core/target.ts";
import { loadConfig } from "../program/config-file.ts";
import { type Observed, observed } from "../program/exceeded-thresholds.ts";
import { loadPlugins } from "../program/plug-ins.ts";
import { runOnce } from "../program/run-once.ts";
import { type Command, type CommandContext, configOption, hasColour, text } from "./lib/command.ts";
import { samplesText } from "./lib/sample-text.ts";
import { openLog } from "./lib/terminal-log.ts";

const exitCodes: Readonly<Record<Outcome, number>> = { up: 0, degraded: 1, down: 2, unknown: 3 };

export const command: Command = {
  summary: "Runs checks once, now: outcome, phases, readings, evidence",
  usage: "probe [TARGET[/CHECK]…] [--json] [--config FILE]",
  example: "./tidewatch probe mastodon/web",
  options: { ...configOption, json: { type: "boolean" } },
  positionals: { least: 0, most: 1000 },
  exits: {
    found: [
      [exitCodes.up, "all up"],
      [exitCodes.degraded, "something is degraded, nothing is down"],
      [exitCodes.down, "something is down"],
      [exitCodes.unknown, "something was not measured, and of the rest nothing is down or degraded"],
    ],
    usage: 64,
    config: 78,
  },

  async run(args, context) {
    const { env, cwd, version, stdout, stderr, signal } = context;
    const plugins = await loadPlugins();
    const config = await loadConfig(text(args, "config") ?? "tidewatch.yaml", { ...plugins, env, cwd });
    const checks = chosen(config, args.positionals);
    const progress = progressLine(context, checks.length);
    const log = openLog(context, (line) => {
      progress.clear();
      stderr.write(line);
    });
    const onSample = () => progress.step();
    const seen = await runOnce(checks, { config, probes: plugins.probes, version, log, signal, onSample }).finally(() =>
      progress.clear(),
    );
    const samples = checks.flatMap((check, index) => {
      const sample = seen[index];
      return sample ? [observed(sample, check)] : [];
    });
    const look = { colour: hasColour(stdout, env), width: columns(context) };
    stdout.write(args.values["json"] ? `${JSON.stringify(samples, undefined, 2)}\n` : samplesText(samples, look));
    return worstExit(samples);
  },
};

/** In a pipe lines stay whole, for whoever searches them, unless COLUMNS says otherwise. */
function columns({ stdout, env }: CommandContext): number | undefined {
  const width = (stdout.isTTY && stdout.columns) || Number(env["COLUMNS"]);
  return Number.isInteger(width) && width > 0 ? Math.max(width, 40) : undefined;
}

/** The exit code of the worst outcome. What was not measured hides no outage and is not up; a check that was not asked does not count. */
export function worstExit(samples: readonly Pick<Observed, "outcome" | "asked">[]): number {
  const asked = samples.filter((sample) => sample.asked);
  return exitCodes[worstOf(asked.map(({ outcome }) => outcome)) ?? "unknown"];
}

/** The checks that are meant by `mastodon` and `mastodon/web`; all of them when nothing is named. Each once. */
export function chosen({ targets }: Pick<Config, "targets">, names: readonly string[]): readonly Check[] {
  const checks = targets.filter(({ planned }) => !planned).flatMap((target) => target.checks);
  if (names.length === 0) {
    if (checks.length > 0) return checks;
    throw new Refused("There is no check to run.", "Add a target with checks to the configuration.");
  }
  return [...new Set(names.flatMap((name) => named(name, checks, targets)))];
}

function named(name: string, checks: readonly Check[], targets: Config["targets"]): readonly Check[] {
  const found = checks.filter((check) => check.target === name || keyOf(check) === name);
  if (found.length > 0) return found;
  const target = targets.find(({ id }) => id === name.split("/")[0]);
  if (target?.planned) {
    throw new Refused(`${target.id} is only planned.`, "Remove `planned: true` from it once it is in service.");
  }
  if (target && target.checks.length === 0)
    throw new Refused(`${target.id} has no checks.`, "Give it a `kind` or `checks`.");
  const known = target ? target.checks.map(keyOf) : [...targets.map(({ id }) => id), ...checks.map(keyOf)];
  const near = nearest(name, known);
  throw new Refused(
    `There is no ${name.includes("/") ? "check" : "target"} "${name}".`,
    near ? `Did you mean ${near}?` : `Known are: ${known.join(", ")}.`,
  );
}

const keyOf = (check: Check): string => checkKey({ target: check.target, check: check.id });

function progressLine({ stderr }: CommandContext, all: number): { step(): void; clear(): void } {
  if (!stderr.isTTY) return { step() {}, clear() {} };
  let done = 0;
  const show = () => stderr.write(`\r\u001b[2K${done} of ${all} ${all === 1 ? "check" : "checks"} …`);
  show();
  return {
    step() {
      done += 1;
      show();
    },
    clear() {
      stderr.write("\r\u001b[2K");
    },
  };
}
