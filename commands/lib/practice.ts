/** Starts the practice co-op for `run`: its servers, its seeded history, Tidewatch watching it, and the addresses to open. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config, Plugins } from "../../core/config/config.ts";
import { Refused } from "../../core/errors.ts";
import { type Log, silentLog } from "../../core/log.ts";
import type { Sample } from "../../core/sample.ts";
import { type PracticeCoop, startPracticeCoop } from "../../practice/co-op.ts";
import { seedHistory } from "../../practice/history.ts";
import { practiceApp } from "../../practice/page.ts";
import { parseConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { runOnce } from "../../program/run-once.ts";
import { signInLink } from "../../program/sign-in-for-commands.ts";
import { startTidewatch } from "../../program/start.ts";
import { systemClock } from "../../program/system-clock.ts";
import type { CommandContext } from "./command.ts";
import { loopback, reserve, usualPorts } from "./reserved-port.ts";
import { untilStopped } from "./until-stopped.ts";
import { welcome } from "./welcome.ts";

/** @param isAsked or else there is no configuration. */
export async function runPractice(context: CommandContext, log: Log, isAsked: boolean): Promise<number> {
  const why = isAsked ? "" : "No tidewatch.yaml here. ";
  const { stdout } = context;
  stdout.write(`${why}Starting the practice co-op. One moment; the first time it fetches a Redis into ~/.cache …\n`);
  await using undo = new AsyncDisposableStack();
  const folder = await temporaryFolder();
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  // Ours from now on: whoever starts at the same moment takes others.
  const ports = {
    public: undo.use(await reserve(usualPorts.public)),
    private: undo.use(await reserve(usualPorts.private)),
  };
  const address = { public: `${loopback}:${ports.public.port}`, private: `${loopback}:${ports.private.port}` };
  const [coop, plugins] = await Promise.all([startPracticeCoop({ folder, ...address }), loadPlugins()]);
  undo.use(coop);
  // The probing thread looks its secrets up in the environment, like everybody.
  Object.assign(process.env, coop.env);
  const source = { text: coop.configuration, file: "practice/tidewatch.yaml", folder };
  const config = parseConfig(source.text, { ...source, ...plugins, env: { ...context.env, ...coop.env } });
  const [contractor] = config.onCall.contacts;
  if (!contractor) throw new Error("the practice configuration has no contact");
  const tidewatch = undo.use(
    await startTidewatch({
      config,
      source,
      plugins,
      clock: systemClock,
      log,
      version: context.version,
      env: context.env,
      seed: async (store) =>
        seedHistory({ store, config, now: systemClock.now(), today: await lookOnce(config, plugins, context) }),
      privately: (store) => {
        // Tidewatch listens next.
        ports.public[Symbol.dispose]();
        ports.private[Symbol.dispose]();
        return practiceApp({
          coop,
          organisation: config.organisation,
          publicUrl: config.server.url,
          outbox: store.outbox,
          signInLink: () => signInLink(store, config.server.url, contractor, systemClock),
        });
      },
    }),
  );
  undo.use(coop.mails.onMail(({ to, subject }) => log.info("mail caught", { to, title: subject })));
  const link = await signInLink(tidewatch.store, config.server.url, contractor, systemClock);
  stdout.write(whereToBegin(coop, address, link));
  const code = await untilStopped(tidewatch, context, log);
  stdout.write("Nothing of the practice co-op stays behind.\n");
  return code;
}

async function temporaryFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), "tidewatch-practice-"));
  } catch (error) {
    throw new Refused(
      `The practice co-op needs a folder for its data, and ${tmpdir()} takes none: ${error instanceof Error ? error.message : error}.`,
      "Set TMPDIR to a folder that can be written.",
    );
  }
}

/** One look at what fills, before anything is watched. */
function lookOnce(
  config: Config,
  { probes }: Plugins,
  { version, signal }: CommandContext,
): Promise<readonly Sample[]> {
  const checks = config.targets.flatMap(({ checks, capacity }) =>
    checks.filter(({ id }) => capacity.some(({ check }) => check === id)),
  );
  return runOnce(checks, { config, probes, version, log: silentLog, signal });
}

function whereToBegin(
  { withoutQueues, trial }: PracticeCoop,
  address: { readonly public: string; readonly private: string },
  link: string,
): string {
  const settings = Object.entries(trial.env).map(([name, value]) => `${name}="${value}"`);
  return welcome(
    [
      { label: "Status page", address: `http://${address.public}/` },
      { label: "Break things", address: `http://${address.private}/practice` },
      { label: "Team pages", address: link, notes: ["works once, for half an hour; the practice page makes new ones"] },
      { label: "Metrics", address: `http://${address.private}/metrics` },
    ],
    [
      ...(withoutQueues === undefined ? [] : [`Without queues: ${withoutQueues}`, ""]),
      "A configuration of your own about these stand-ins (docs/first-ten-minutes.md), in a second terminal:",
      `  export ${settings.join(" ")}`,
      `  ./tidewatch init ${trial.addresses.join(" ")}`,
    ],
    "Ctrl-C ends all of it.",
  );
}
