/** A child process that runs one check whenever it is told to, so that its memory and CPU can be measured alone. */
import { readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { NameResolver } from "../../collector/network/dns-resolver.ts";
import { openHttp } from "../../collector/network/http-client.ts";
import { LoopDelay } from "../../collector/probing/loop-delay.ts";
import { runCheck } from "../../collector/probing/run-check.ts";
import { assumeOnline } from "../../collector/probing/self-check.ts";
import { resolveSecrets } from "../../core/config/settings.ts";
import { Unreachable } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Probe } from "../../core/probe.ts";
import { aCheck } from "../helpers/checks.ts";
import { ownClock, workedMs } from "../helpers/own-time.ts";
import { testLog } from "../helpers/test-log.ts";
import { Order, type Report } from "./orders.ts";

const [, , authority = ""] = process.argv;
if (authority) setDefaultCACertificates([...getCACertificates("default"), authority]);
/** Nobody out there is asked: only addresses are known here. */
const resolver: NameResolver = {
  addresses: async (host) => {
    const address = host.replace(/^\[(.*)\]$/, "$1");
    const family = isIP(address);
    if (family === 4 || family === 6) return [{ address, family }];
    throw new Unreachable(`name ${plainText(host, 100)} does not exist`, { stage: "resolve" });
  },
};
const http = openHttp({ userAgent: "Tidewatch/test (+https://status.example/; contact@example.org)", resolver });
const loopDelay = new LoopDelay(workedMs);

process.on("message", (message) => void obey(Order.parse(message)));
process.send?.({ ready: true });

async function obey(order: Order): Promise<void> {
  forgetHighest();
  const ended = await run(order).catch((error: unknown): Report["ended"] => ({ thrown: String(error) }));
  process.send?.({ ended, highestBytes: highestBytes() } satisfies Report);
}

async function run({ probe: name, settings, token, timeoutSeconds }: Order): Promise<Report["ended"]> {
  // Only those that are asked for: to load all of them takes half a second more.
  const { default: probe }: { readonly default: Probe } = await import(`../../probes/${name}.ts`);
  const options = probe.options.parse(resolveSecrets(settings, () => token));
  const log = testLog();
  const sample = await runCheck(aCheck({ probe: name, timeoutSeconds, options }), {
    probe,
    http,
    clock: ownClock,
    selfCheck: assumeOnline,
    vantagePoint: "here",
    signal: new AbortController().signal,
    memory: new Map(),
    log,
    loopDelay,
  });
  const { outcome, reason = "", evidence = "", durationSeconds, loopDelaySeconds = 0 } = sample;
  const internalErrors = log.lines.map(({ message, fields }) => `${message}: ${describe(fields["error"])}`);
  return { outcome, reason, evidence, durationSeconds, loopDelaySeconds, internalErrors };
}

/** The most memory that this process had, as the kernel counted it: what came and went between two looks as well. */
function highestBytes(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(statusOfProcess()) ?? [];
  return 1024 * Number(kilobytes ?? process.resourceUsage().maxRSS);
}

/** What the run before left behind is no fault of the next. */
function forgetHighest(): void {
  globalThis.gc?.();
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Then a run that takes much is blamed for those that follow, too.
  }
}

function statusOfProcess(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    // Only Linux has it. Elsewhere the figure may include what the parent had when it started us.
    return "";
  }
}

const describe = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
