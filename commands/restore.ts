/** `tidewatch restore FILE`: makes the configured store out of a backup. Never overwrites one. */
import { resolve } from "node:path";
import { restoreStore } from "../program/open-store.ts";
import { type Command, configOption } from "./lib/command.ts";
import { configuredStore } from "./lib/configured-store.ts";

export const command: Command = {
  summary: "Makes the configured store out of a backup; never overwrites one",
  usage: "restore FILE [--config FILE]",
  example: "./tidewatch restore /var/backups/tidewatch-2026-11-23.db",
  options: { ...configOption },
  positionals: { least: 1, most: 1 },
  async run(args, context) {
    const store = await configuredStore(args, context);
    const source = resolve(context.cwd, args.positionals[0] ?? "");
    await restoreStore(source, store);
    context.stdout.write(`Made ${store.sqlite} out of ${source}. Now start Tidewatch again.\n`);
    return 0;
  },
};
