/** A process of its own that runs checks when it is told to, so that its memory and its accidents are only theirs. */
import { openHttp } from "../../collector/http.ts";
import { runCheck } from "../../collector/run-check.ts";
import { assumeSight } from "../../collector/self-check.ts";
import { systemClock } from "../../collector/system-clock.ts";
import { loadProbes } from "../../commands/lib/plug-ins.ts";
import { resolveSecrets } from "../../core/settings.ts";
import { aCheck } from "../helpers/checks.ts";
import { testLog } from "../helpers/test-log.ts";
import { Order, type Report } from "./orders.ts";

const probes = await loadProbes();
const http = openHttp({ userAgent: "Tidewatch/test (+https://status.example/; contact@example.org)" });
let highestBytes = 0;
const watch = setInterval(() => {
  highestBytes = Math.max(highestBytes, process.memoryUsage.rss());
}, 10);

process.on("message", (message) => void obey(Order.parse(message)));
process.on("disconnect", () => clearInterval(watch));
process.send?.({ ready: true });

async function obey({ id, probe: name, settings, token, timeoutSeconds }: Order): Promise<void> {
  const report = await run().catch((error: unknown): Report["ended"] => ({ thrown: String(error) }));
  process.send?.({ id, ended: report, highestBytes } satisfies Report);

  async function run(): Promise<Report["ended"]> {
    const probe = probes[name];
    if (!probe) throw new Error(`there is no probe ${name}`);
    const options = probe.options.parse(resolveSecrets(settings, () => token));
    const log = testLog();
    const { outcome, reason, evidence, durationSeconds } = await runCheck(
      aCheck({ probe: name, timeoutSeconds, options }),
      {
        probe,
        http,
        clock: systemClock,
        selfCheck: assumeSight,
        vantagePoint: "here",
        signal: new AbortController().signal,
        memory: new Map(),
        log,
      },
    );
    const accidents = log.lines.map(({ message, fields }) => `${message}: ${describe(fields["error"])}`);
    return { outcome, reason: reason ?? "", evidence: evidence ?? "", durationSeconds, accidents };
  }
}

const describe = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
