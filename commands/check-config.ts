/** `tidewatch check-config`: every fault of the configuration at once, or in a few lines what it will do. */

import type { Config } from "../core/config/config.ts";
import { ConfigError } from "../core/errors.ts";
import type { Contact } from "../core/organisation.ts";
import type { Target } from "../core/target.ts";
import { counted, formatDuration } from "../core/units.ts";
import { loadConfig } from "../program/config-file.ts";
import { loadPlugins } from "../program/plug-ins.ts";
import { type Command, type CommandContext, configOption, text } from "./lib/command.ts";
import { faultLine, faultsText } from "./lib/faults-text.ts";

export const command: Command = {
  summary: "Says everything that is wrong with the configuration, or what it will do",
  usage: "check-config [--config FILE] [--json]",
  example: "./tidewatch check-config --config /etc/tidewatch/tidewatch.yaml",
  options: { ...configOption, json: { type: "boolean" } },
  async run(args, context) {
    const file = text(args, "config") ?? configOption.config.default;
    const json = args.values["json"] === true;
    const plugins = await loadPlugins();
    try {
      const config = await loadConfig(file, { ...plugins, env: context.env, cwd: context.cwd });
      if (json) printJson(context, file, config);
      else printSummary(context, file, config);
      return 0;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (json) context.stdout.write(`${JSON.stringify({ file, good: false, faults: error.faults }, null, 2)}\n`);
      else context.stderr.write(faultsText(error.faults));
      return 2;
    }
  },
};

function printSummary({ stdout, stderr }: CommandContext, file: string, config: Config): void {
  const { targets, onCall, channels } = config;
  stdout.write(
    [
      `${file} is good.`,
      "",
      `Watches ${counted(targets.length, "target")} with ${counted(checksOf(targets).length, "check")}: ${perMinute(targets)} a minute.`,
      ...table(targets.map((target) => [target.id, target.name.en, whatIsChecked(target)])),
      "",
      ...(onCall.escalation.length === 0 ? ["Tells nobody."] : ["Tells of an outage, until somebody acknowledges:"]),
      ...table(
        onCall.escalation.map(({ afterSeconds, notify }) => [
          afterSeconds === 0 ? "at once" : `after ${formatDuration(afterSeconds)}`,
          notify.map((id) => howToReach(id, onCall.contacts, Object.keys(channels))).join(", "),
        ]),
      ),
      "",
      `Status page: ${config.server.url}`,
      "",
    ].join("\n"),
  );
  for (const warning of config.warnings)
    stderr.write(faultLine({ ...warning, message: `warning: ${warning.message}` }));
}

const checksOf = (targets: readonly Target[]) => targets.flatMap(({ checks }) => checks);

function perMinute(targets: readonly Target[]): number {
  const rate = checksOf(targets).reduce((sum, { everySeconds }) => sum + 60 / everySeconds, 0);
  return Number(rate.toPrecision(3));
}

function whatIsChecked({ planned, checks, public: shown }: Target): string {
  if (planned) return "planned, not checked";
  const list = checks.map(({ id, everySeconds, required }) => {
    return `${id} every ${formatDuration(everySeconds)}${required ? "" : " (not required)"}`;
  });
  return `${list.join(", ")}${shown ? "" : "; not on the members' page"}`;
}

function howToReach(id: string, contacts: readonly Contact[], channels: readonly string[]): string {
  const contact = contacts.find((other) => other.id === id);
  const ways = channels.filter((channel) => contact?.addresses[channel] !== undefined);
  return `${contact?.name ?? id} (${ways.join(", ")})`;
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}

function printJson({ stdout }: CommandContext, file: string, config: Config): void {
  const { targets, onCall, warnings } = config;
  const report = {
    file,
    good: true,
    checksPerMinute: perMinute(targets),
    targets: targets.map(({ id, name, planned, public: shown, checks }) => ({
      id,
      name,
      planned,
      public: shown,
      checks: checks.map(({ id: check, probe, everySeconds, timeoutSeconds, required }) => {
        return { id: check, probe, everySeconds, timeoutSeconds, required };
      }),
    })),
    escalation: onCall.escalation,
    warnings,
  };
  stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}
