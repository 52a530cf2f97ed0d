/** `tidewatch run`: everything, until SIGINT or SIGTERM. Without a configuration it is the practice co-op. */
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { jsonLog, type Log } from "../core/log.ts";
import { parseConfig, readConfigFile } from "../program/config-file.ts";
import { loadPlugins } from "../program/plug-ins.ts";
import { startTidewatch, type Tidewatch } from "../program/start.ts";
import { systemClock } from "../program/system-clock.ts";
import { type Arguments, type Command, type CommandContext, configOption, text } from "./lib/command.ts";
import { runPractice } from "./lib/practice.ts";
import { untilStopped } from "./lib/until-stopped.ts";

export const command: Command = {
  summary: "Runs everything until it is stopped; without a configuration, the practice co-op",
  usage: "run [--config FILE]",
  example: "./tidewatch run --config /etc/tidewatch/tidewatch.yaml",
  options: configOption,
  async run(args, context) {
    const log = jsonLog((line) => context.stderr.write(line), systemClock.now);
    if (await wantsPractice(args, context)) return runPractice(context);
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
  const plugins = await loadPlugins();
  const read = async () => {
    const source = { ...(await readConfigFile(file, context.cwd)), file };
    const config = parseConfig(source.text, { ...source, ...plugins, env: context.env });
    for (const { file, line, message } of config.warnings)
      log.warn("configuration", { where: `${file}:${line}`, advice: message });
    return { source, config };
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
  log.info("watching", {
    targets: config.targets.length,
    public: `${config.server.public.host}:${tidewatch.publicPort}`,
    private: `${config.server.private.host}:${tidewatch.privatePort}`,
  });
  // Without the `await` everything would be closed before the waiting begins.
  return await untilStopped(tidewatch, context, log);
}

async function reload(
  tidewatch: Tidewatch,
  read: () => Promise<Parameters<Tidewatch["reload"]> extends [infer C, infer S] ? { config: C; source: S } : never>,
  log: Log,
): Promise<void> {
  try {
    const { config, source } = await read();
    await tidewatch.reload(config, source);
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
