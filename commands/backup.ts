/** `tidewatch backup FILE`: a consistent copy of the store, while Tidewatch goes on. */
import { resolve } from "node:path";
import { backupStore } from "../program/open-store.ts";
import { type Command, configOption } from "./lib/command.ts";
import { configuredStore } from "./lib/configured-store.ts";

export const command: Command = {
  summary: "Copies the store to a file while everything goes on; never overwrites",
  usage: "backup FILE [--config FILE]",
  example: "./tidewatch backup /var/backups/tidewatch-2026-11-23.db",
  options: { ...configOption },
  positionals: { least: 1, most: 1 },
  async run(args, context) {
    const store = await configuredStore(args, context);
    const target = resolve(context.cwd, args.positionals[0] ?? "");
    await backupStore(store, target);
    context.stdout.write(`Copied ${store.sqlite} to ${target}.\n`);
    return 0;
  },
};
