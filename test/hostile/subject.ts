/** The probe under test in a child process that meets hostile servers, and what is promised of every such run. */
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import type { Probe } from "../../core/probe.ts";
import type { HostileServer } from "./hostile-server.ts";
import { type Report, startProber } from "./orders.ts";

/** What a run may take beyond its timeout. */
const graceSeconds = 1;
/** No check may hold up another by more than a second; half of it is left for slower machines. */
const longestTurnSeconds = 0.5;
/** Connections are closed with the run; the server may hear of it a little later. */
const longestFarewellMs = 10_000;

export interface Meeting {
  readonly settings: unknown;
  /** What stands for every secret in them. */
  readonly token?: string;
  readonly timeoutSeconds: number;
}

export interface End {
  readonly outcome: string;
  readonly reason: string;
  /** What it did not keep of all that is promised. */
  readonly faults: readonly string[];
}

export interface Subject extends AsyncDisposable {
  readonly name: string;
  meet(server: HostileServer, meeting: Meeting): Promise<End>;
}

export interface Company {
  /** By name of the probe: a first run that does no harm. What it loads and makes once is no fault of those who follow. */
  readonly first: Readonly<Record<string, Meeting>>;
  /** For each of them: beyond what the process has when nothing happens. */
  readonly mostMegabytes: number;
  /** PEM to trust beside the public authorities. */
  readonly authority?: string;
}

/** All in one process, in which there is never more than one run at a time. */
export async function startSubjects({ first, mostMegabytes, authority }: Company): Promise<readonly Subject[]> {
  const prober = await startProber(authority);
  const reports = await Promise.all(
    Object.entries(first).map(([probe, meeting]) => prober.run({ probe, token: "secret", ...meeting })),
  );
  const restBytes = Math.max(...reports.map(({ highestBytes }) => highestBytes));
  return Object.keys(first).map((name) => ({
    name,
    async meet(server, meeting) {
      const { ended, highestBytes } = await prober
        .run({ probe: name, token: "secret", ...meeting })
        .catch((error: unknown): Report => ({ ended: { thrown: String(error) }, highestBytes: 0 }));
      const isLeft = await Promise.race([
        server.allClosed().then(() => false),
        setTimeout(longestFarewellMs, true, { ref: false }),
      ]);
      const megabytes = (highestBytes - restBytes) / 1e6;
      const all = [
        ...faultsOf(ended, meeting),
        ...(isLeft ? ["left a connection open"] : []),
        ...(megabytes > mostMegabytes ? [`took ${megabytes.toFixed(0)} MB of memory`] : []),
      ];
      const { outcome, reason } = "thrown" in ended ? { outcome: "none", reason: ended.thrown } : ended;
      return { outcome, reason, faults: all.map((fault) => `${name}: ${fault}`) };
    },
    [Symbol.asyncDispose]: () => prober[Symbol.asyncDispose](),
  }));
}

function faultsOf(ended: Report["ended"], { timeoutSeconds }: Meeting): readonly string[] {
  if ("thrown" in ended) return [`threw ${ended.thrown}`];
  const { outcome, reason, evidence, durationSeconds, loopDelaySeconds, internalErrors } = ended;
  return [
    ...internalErrors.map((error) => `internal error: ${error}`),
    ...(durationSeconds > timeoutSeconds + graceSeconds ? [`took ${durationSeconds} s`] : []),
    ...(loopDelaySeconds > longestTurnSeconds ? [`held up all others for ${loopDelaySeconds} s`] : []),
    ...(outcome !== "up" && !/\S/.test(reason) ? ["has no reason"] : []),
    ...(/the check itself failed|did not end within .* told to/.test(reason) ? [reason] : []),
    ...(unprintable.test(reason + evidence.replaceAll("\n", "")) ? [`unprintable: ${JSON.stringify(reason)}`] : []),
  ];
}

const unprintable = /[\p{Cc}\p{Cf}\p{Cs}]/u;

export function exampleOf(probe: Probe): Readonly<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).parse(probe.example);
}
