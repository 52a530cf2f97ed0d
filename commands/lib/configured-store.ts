/** Which store the configuration names, for the commands that copy it or make it. */
import type { Config } from "../../core/config/config.ts";
import { loadConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { type Arguments, type CommandContext, configOption, text } from "./command.ts";

/** @throws ConfigError */
export async function configuredStore(args: Arguments, { env, cwd }: CommandContext): Promise<Config["store"]> {
  const file = text(args, "config") ?? configOption.config.default;
  const config = await loadConfig(file, { ...(await loadPlugins()), env, cwd });
  return config.store;
}
