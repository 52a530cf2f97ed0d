/** `tidewatch run`: everything, until SIGINT or SIGTERM. Without a configuration it is the practice co-op. */
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { type Config, localAddress } from "../core/config/config.ts";
import { ConfigError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { readConfigFile } from "../program/config-file.ts";
import { NamedPlugins } from "../program/named-plug-ins.ts";
import { startTidewatch, type Tidewatch } from "../program/start.ts";
import { systemClock } from "../program/system-clock.ts";
import { type Arguments, type Command, type CommandContext, configOption, text } from "./lib/command.ts";
import { openLog } from "./lib/terminal-log.ts";
import { untilStopped } from "./lib/until-stopped.ts";
import { welcome } from "./lib/welcome.ts";

export const command: Command = {
  summary: "Runs everything until it is stopped; without a configuration, the practice co-op",
  usage: "run [--config FILE | --practice]",
  example: "./tidewatch run --config /etc/tidewatch/tidewatch.yaml",
  options: { ...configOption, practice: { type: "boolean" } },
  async run(args, context) {
    const log = openLog(context);
    const isAsked = args.values["practice"] === true;
    if (isAsked || (await wantsPractice(args, context))) {
      return (await import("./lib/practice.ts")).runPractice(context, log, isAsked);
    }
    return runConfigured(text(args, "config") ?? configOption.config.default, context, log);
  },
};

/** Only when nobody named a file and the usual one is not there. */
async function wantsPractice(args: Arguments, { cwd }: CommandContext): Promise<boolean> {
  const file = text(args, "config") ?? configOption.config.default;
  if (file !== configOption.config.default) return false;
  return access(resolve(cwd, file)).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );
}

async function runConfigured(file: string, context: CommandContext, log: Log): Promise<number> {
  const plugins = new NamedPlugins();
  const read = async () => {
    const source = { ...(await readConfigFile(file, context.cwd)), file };
    return { source, config: await plugins.read(source.text, { ...source, env: context.env }) };
  };
  // From the first moment on: without a listener, SIGHUP would end the process.
  const started = Promise.withResolvers<Tidewatch>();
  using _ = onHangUp(async () => reload(await started.promise, read, log));
  const { config, source } = await read();
  await using tidewatch = await startTidewatch({
    config,
    source,
    plugins,
    clock: systemClock,
    log,
    version: context.version,
    env: context.env,
  });
  started.resolve(tidewatch);
  if (context.stderr.isTTY) context.stderr.write(whereThePagesAre(config, tidewatch, file));
  log.info("watching", {
    targets: config.targets.length,
    public: `${config.server.public.host}:${tidewatch.publicPort}`,
    private: `${config.server.private.host}:${tidewatch.privatePort}`,
  });
  adviseOn(config, log);
  // Without the `await` everything would be closed before the waiting begins.
  return await untilStopped(tidewatch, context, log);
}

function whereThePagesAre({ server, onCall }: Config, ports: Tidewatch, file: string): string {
  const here = localAddress({ ...server.public, port: ports.publicPort });
  const isNamed = server.url !== localAddress(server.public);
  const url = isNamed ? server.url : here;
  const [email] = onCall.contacts.flatMap((contact) => contact.email ?? []);
  const option = file === configOption.config.default ? "" : ` --config ${file}`;
  return welcome(
    [
      { label: "Status page", address: `${url}/`, notes: isNamed ? [`on this machine: ${here}/`] : [] },
      {
        label: "Team pages",
        address: `${url}/team/`,
        notes: [
          email === undefined
            ? "nobody can sign in yet: no contact has an e-mail address"
            : `they mail you a link to sign in; ./tidewatch sign-in ${email}${option} prints one`,
        ],
      },
      { label: "Metrics", address: `${localAddress({ ...server.private, port: ports.privatePort })}/metrics` },
    ],
    [],
    "Ctrl-C stops it.",
  );
}

function adviseOn({ warnings }: Config, log: Log): void {
  for (const { file, line, message } of warnings)
    log.warn("configuration", { where: `${file}:${line}`, advice: message });
}

async function reload(
  tidewatch: Tidewatch,
  read: () => Promise<Parameters<Tidewatch["reload"]> extends [infer C, infer S] ? { config: C; source: S } : never>,
  log: Log,
): Promise<void> {
  try {
    const { config, source } = await read();
    await tidewatch.reload(config, source);
    adviseOn(config, log);
    log.info("configuration reloaded", { targets: config.targets.length });
  } catch (error) {
    if (!(error instanceof ConfigError)) return log.error("configuration not reloaded", { error });
    for (const { file, line, column, message: fault } of error.faults) {
      log.error("configuration not reloaded", { where: `${file}:${line}:${column}`, fault });
    }
  }
}

/** One reload after the other, however often the signal comes. */
function onHangUp(act: () => Promise<void>): Disposable {
  let last = Promise.resolve();
  const listener = () => {
    last = last.then(act);
  };
  process.on("SIGHUP", listener);
  return { [Symbol.dispose]: () => void process.off("SIGHUP", listener) };
}
