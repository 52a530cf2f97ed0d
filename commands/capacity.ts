/** `tidewatch capacity`: prints for each store how full it is, how long it lasts, when to order a bigger size, and which. */
import type { CapacityModel } from "../core/capacity/capacity.ts";
import { nearest } from "../core/config/spelling-suggestion.ts";
import { Refused } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { loadConfig } from "../program/config-file.ts";
import { readStore } from "../program/open-store.ts";
import { loadPlugins } from "../program/plug-ins.ts";
import { systemClock } from "../program/system-clock.ts";
import { capacityModels } from "../reports/capacity.ts";
import { capacityReport, capacityText } from "./lib/capacity-text.ts";
import { type Command, configOption, text } from "./lib/command.ts";

export const command: Command = {
  summary: "Says until when databases and disks last, when to order, and what each size buys",
  usage: "capacity [TARGET] [--json] [--config FILE]",
  example: "./tidewatch capacity database",
  options: { ...configOption, json: { type: "boolean" } },
  positionals: { least: 0, most: 1 },

  async run(args, { env, cwd, stdout }) {
    const plugins = await loadPlugins();
    const config = await loadConfig(text(args, "config") ?? configOption.config.default, { ...plugins, env, cwd });
    const targets = chosen(config.targets, args.positionals[0]);
    await using store = await readStore(config.store);
    const models = await capacityModels(store, targets, systemClock.now());
    const zone = config.organisation.timeZone;
    const asJson = () => `${JSON.stringify(models.map(capacityReport), undefined, 2)}\n`;
    stdout.write(args.values["json"] ? asJson() : models.map((model) => capacityText(model, zone)).join("\n"));
    return models.some(isUrgent) ? 1 : 0;
  },
};

/** Somebody must act: order more room, or make some at once. */
const isUrgent = ({ state }: Pick<CapacityModel, "state">): boolean => state === "order" || state === "page";

/** The target that is meant, or all that have something that fills. */
function chosen(targets: readonly Target[], name: string | undefined): readonly Target[] {
  const filling = targets.filter(({ capacity, planned }) => capacity.length > 0 && !planned);
  if (filling.length === 0) {
    const remedy = "Give a target a check with the probe `postgres` or `disk` and a `capacity`.";
    throw new Refused("Nothing that fills is being watched.", remedy);
  }
  if (name === undefined) return filling;
  const found = filling.filter(({ id }) => id === name);
  if (found.length > 0) return found;
  const known = filling.map(({ id }) => id);
  const near = nearest(name, known);
  const remedy = near ? `Did you mean ${near}?` : `Known are: ${known.join(", ")}.`;
  const exists = targets.some(({ id }) => id === name);
  throw new Refused(exists ? `${name} has nothing that fills.` : `There is no target "${name}".`, remedy);
}
