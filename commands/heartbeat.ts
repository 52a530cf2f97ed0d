/** `tidewatch heartbeat`: the secret addresses that jobs call, and how to call them. */
import { nearest } from "../core/config/spelling-suggestion.ts";
import { Refused } from "../core/errors.ts";
import { heartbeatToken, jobsOf } from "../core/heartbeat.ts";
import { checkKey } from "../core/sample.ts";
import { loadConfig } from "../program/config-file.ts";
import { readStore } from "../program/open-store.ts";
import { loadPlugins } from "../program/plug-ins.ts";
import { type Command, configOption, text } from "./lib/command.ts";

export const command: Command = {
  summary: "Prints the secret addresses that jobs with a heartbeat check call",
  usage: "heartbeat [TARGET/CHECK] [--config FILE]",
  example: "./tidewatch heartbeat database/backup",
  options: configOption,
  positionals: { least: 0, most: 1 },

  async run(args, { env, cwd, stdout, stderr }) {
    const file = text(args, "config") ?? configOption.config.default;
    const config = await loadConfig(file, { ...(await loadPlugins()), env, cwd });
    const jobs = jobsOf(config.targets.flatMap(({ checks }) => checks));
    const wanted = args.positionals[0];
    const chosen = jobs.filter((job) => wanted === undefined || checkKey(job) === wanted);
    if (chosen.length === 0) throw nothingChosen(wanted, jobs.map(checkKey));
    await using store = await readStore(config.store);
    const key = await store.keys.signing("heartbeat");
    const address = (job: (typeof jobs)[number]) => `${config.server.url}/h/${heartbeatToken(job, key)}`;
    stderr.write("At the end of the job, only if it went well: curl -fsS -m 10 --retry 8 --retry-all-errors ADDRESS\n");
    stderr.write("Or always, with its exit code: ADDRESS/$?  and when it begins: ADDRESS/start\n");
    // Only the address when one job was named, so that it can be piped; whoever knows the address can call it.
    for (const job of chosen)
      stdout.write(wanted === undefined ? `${checkKey(job)}  ${address(job)}\n` : `${address(job)}\n`);
    return 0;
  },
};

function nothingChosen(wanted: string | undefined, known: readonly string[]): Refused {
  if (wanted === undefined || known.length === 0) {
    return new Refused(
      "There is no check with probe: heartbeat.",
      "Add one to a target, such as `{ id: backup, probe: heartbeat, expectEvery: 1d }`, and start Tidewatch with it.",
    );
  }
  const near = nearest(wanted, known);
  return new Refused(
    `${wanted} is no check with probe: heartbeat.`,
    near ? `Did you mean ${near}?` : `There are ${known.join(", ")}.`,
  );
}
