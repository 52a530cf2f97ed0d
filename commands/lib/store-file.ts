/** Where the configured store is, for the commands that work on its file. */
import { resolve } from "node:path";
import { loadConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { type Arguments, type CommandContext, configOption, text } from "./command.ts";

/** @throws ConfigError */
export async function storeFile(args: Arguments, { env, cwd }: CommandContext): Promise<string> {
  const file = text(args, "config") ?? configOption.config.default;
  const config = await loadConfig(file, { ...(await loadPlugins()), env, cwd });
  return resolve(cwd, config.store.sqlite);
}
