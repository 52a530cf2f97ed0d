/** Runs one check once: its timeout, its evidence, and which outcome (down or unknown) each kind of failure means. */
import type { Clock } from "../../core/clock.ts";
import { deadlinePassed, isDeadline, orAborted, withinTime } from "../../core/deadline.ts";
import { errorCode } from "../../core/error-code.ts";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import type { ReceivedHeartbeat } from "../../core/heartbeat.ts";
import { typeset } from "../../core/languages/translations.ts";
import type { Log } from "../../core/log.ts";
import { notMeasuredText, unreachableInternalText, unreachableText } from "../../core/member-texts.ts";
import { certificateExpiry } from "../../core/metric-families.ts";
import { plainLines, plainText } from "../../core/plain-text.ts";
import type { Probe } from "../../core/probe.ts";
import type { Finding, Reading, Sample } from "../../core/sample.ts";
import type { Check } from "../../core/target.ts";
import { noLongerNeeded } from "../../core/wake-up.ts";
import type { ConnectionRecord } from "../network/connection-failure.ts";
import { inSeconds } from "../network/formatting.ts";
import type { HttpClient, RunHttp } from "../network/http-client.ts";
import { InternalErrors } from "./internal-errors.ts";
import { LoopDelay } from "./loop-delay.ts";
import type { Failure, SelfCheck } from "./self-check.ts";
import { startRunSpan } from "./spans.ts";

export interface RunParts {
  readonly probe: Probe;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly selfCheck: SelfCheck;
  readonly vantagePoint: string;
  /** Shutdown. The run then rejects with its reason: what was not measured to the end is no sample. */
  readonly signal: AbortSignal;
  /** What the check remembers between runs; give the same one each time. */
  readonly memory: Map<string, unknown>;
  /** For a job that calls us. */
  readonly heartbeat?: ReceivedHeartbeat | undefined;
  readonly log: Log;
  /** Give the same one each time, so that each internal error is logged once. */
  readonly internalErrors?: InternalErrors;
  /** Give the same one to all runs of a thread. */
  readonly loopDelay?: LoopDelay;
}

/** A probe that does not heed its signal is left behind this long after the deadline. */
const graceSeconds = 1;
const maxReasonLength = 200;
const maxEvidenceLength = 2000;
const maxReadings = 1000;

/** What is known of the runs before, for each memory. */
interface Past {
  startedSeconds?: number;
  /** The last run has not come back yet, long after its deadline. */
  leftBehind?: boolean;
}
const pasts = new WeakMap<Map<string, unknown>, Past>();

export async function runCheck(check: Check, parts: RunParts): Promise<Sample> {
  const { clock, memory, vantagePoint, signal, loopDelay = new LoopDelay() } = parts;
  signal.throwIfAborted();
  const past = pasts.get(memory) ?? {};
  pasts.set(memory, past);
  const started = clock.monotonicSeconds();
  const sinceLastSeconds = past.startedSeconds === undefined ? undefined : started - past.startedSeconds;
  past.startedSeconds = started;
  const at = Temporal.Instant.fromEpochMilliseconds(clock.now().epochMilliseconds);
  const span = startRunSpan(check, at, performance.now() / 1000);
  const worstDelay = loopDelay.watch();
  const end = new AbortController();
  const http = parts.http.forRun(end.signal);
  let sample: Sample | undefined;
  try {
    const ended = await attempt(check, { ...parts, http, end, past }).then(
      (finding) => ({ finding }),
      (error: unknown) => ({ error }),
    );
    signal.throwIfAborted();
    noteReached(http, parts.selfCheck);
    const durationSeconds = clock.monotonicSeconds() - started;
    const loopDelaySeconds = worstDelay();
    const error = "error" in ended ? ended.error : undefined;
    const judged = "error" in ended ? meaning(check, error, parts) : ended.finding;
    const finding = isInDoubt(judged, error, http)
      ? await orAborted(unlessOffline(judged, http, parts), signal)
      : judged;
    const isTheirs = finding === judged && finding.outcome === "unknown" && isTheirDoing(error, parts);
    const isConnected = isTheirs && (await orAborted(canReachOthers(http, parts), signal));
    sample = {
      ...tidied(finding, http),
      ...runbookOf(finding, error, http, parts),
      target: check.target,
      check: check.id,
      vantagePoint,
      at,
      durationSeconds,
      ...(sinceLastSeconds !== undefined && { sinceLastSeconds }),
      ...(isConnected && { connected: true }),
      ...addressesOf(http),
      loopDelaySeconds,
    };
    return sample;
  } finally {
    worstDelay();
    span.end(sample, http.connections);
  }
}

type Attempt = Omit<RunParts, "http"> & { readonly http: RunHttp; readonly end: AbortController; readonly past: Past };

/** The probe's word; rejects when it has none, at the latest a moment after the deadline. */
async function attempt(
  check: Check,
  { probe, http, clock, signal, memory, heartbeat, end, past }: Attempt,
): Promise<Finding> {
  if (past.leftBehind) throw new NotMeasured("the run before has not ended yet", { localFault: true });
  const stop = () => end.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const work = (async () =>
    probe.run(check.options, {
      signal: end.signal,
      clock,
      http,
      net: http.net,
      memory,
      ...(heartbeat && { heartbeat }),
    }))();
  const comeBack = () => {
    past.leftBehind = false;
  };
  work.then(comeBack, comeBack);
  const leaveBehind = (): never => {
    past.leftBehind = true;
    const reason = `the probe did not end within ${inSeconds(check.timeoutSeconds)}, although it was told to`;
    throw new NotMeasured(reason, { localFault: true });
  };
  const tellToEnd = (): Promise<Finding> => {
    end.abort(deadlinePassed());
    return withinTime(work, { seconds: graceSeconds, clock, signal }, leaveBehind);
  };
  try {
    return await withinTime(work, { seconds: check.timeoutSeconds, clock, signal }, tellToEnd);
  } finally {
    signal.removeEventListener("abort", stop);
    // Whatever the probe left open ends with its run.
    end.abort(noLongerNeeded);
  }
}

/** What it means that a probe did not end well. */
function meaning(check: Check, error: unknown, { probe, internalErrors, log }: RunParts): Finding {
  const down = { outcome: "down", explanation: probe.internal ? unreachableInternalText : unreachableText } as const;
  if (error instanceof Unreachable) {
    return { ...down, reason: error.message, evidence: error.evidence, phases: error.phases };
  }
  if (isDeadline(error)) return { ...down, reason: `no result within ${inSeconds(check.timeoutSeconds)}` };
  const notMeasured = error instanceof NotMeasured ? error : undefined;
  if (!notMeasured || notMeasured.localFault) (internalErrors ?? new InternalErrors(log)).happened(check, error);
  if (notMeasured) return { ...unknown(notMeasured.message), evidence: notMeasured.evidence };
  const { name, message } = error instanceof Error ? error : { name: "error", message: String(error) };
  return { ...unknown(`the check itself failed (${name})`), evidence: message };
}

const unknown = (reason: string): Finding => ({ outcome: "unknown", reason });

/** A bad result with a failed connection in it. */
function isInDoubt({ outcome }: Finding, error: unknown, { connections }: RunHttp): boolean {
  if (outcome !== "down" && outcome !== "degraded") return false;
  return error instanceof Unreachable || isDeadline(error) || connections.some(({ failure }) => failure);
}

/** It is no result while we cannot reach anything. */
async function unlessOffline(finding: Finding, http: RunHttp, { selfCheck }: RunParts): Promise<Finding> {
  const connectivity = await selfCheck.check(failureOf(http.connections));
  if (connectivity.online) return finding;
  const reason = `we could not reach anything ourselves: ${connectivity.reason}`;
  const seen = [finding.reason, finding.evidence].filter((text) => text).join("\n");
  return { ...unknown(reason), evidence: seen, ...(finding.phases && { phases: finding.phases }) };
}

/** A result that says nothing about the service, for a reason that does not lie with this machine or program. */
function isTheirDoing(error: unknown, { heartbeat }: RunParts): boolean {
  // A job's call that we did not hear is our own loss.
  if (heartbeat) return false;
  return error === undefined || (error instanceof NotMeasured && !error.localFault);
}

async function canReachOthers({ connections }: RunHttp, { selfCheck }: RunParts): Promise<boolean> {
  const failed = connections.some(({ failure }) => failure);
  return !failed || (await selfCheck.check(failureOf(connections))).online;
}

/** No answer of any kind: what refuses us, resets us or breaks off has been reached. */
const silentCodes: ReadonlySet<string> = new Set([
  "",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEOUT",
  "ESERVFAIL",
]);

function failureOf(connections: readonly ConnectionRecord[]): Failure {
  const failed = connections.filter(({ failure }) => failure);
  const isSilent = failed.every(
    ({ failure }) =>
      (failure?.stage === "resolve" || failure?.stage === "connect") && silentCodes.has(errorCode(failure.cause)),
  );
  return { addresses: failed.flatMap(({ timing }) => timing.found), isSilent };
}

/** Whom this run has reached can be asked when another one fails. */
function noteReached({ connections }: RunHttp, selfCheck: SelfCheck): void {
  for (const { timing, server, failure } of connections) {
    const { address, family } = timing;
    if (!failure && address && family) selfCheck.reached({ address, family, port: server.port });
  }
}

/** Where it looked first; what follows may be elsewhere. */
function addressesOf({ connections: [first] }: RunHttp): Pick<Sample, "addresses"> {
  const found = first?.timing.found ?? [];
  return found.length > 0 ? { addresses: found.map(({ address }) => address) } : {};
}

function tidied(finding: Finding, http: RunHttp): Finding {
  const { outcome } = finding;
  // That we could not look needs no words of the probe.
  const explanation = finding.explanation ?? (outcome === "unknown" ? notMeasuredText : undefined);
  const reason = plainText(withoutCredentials(finding.reason ?? ""), maxReasonLength);
  const evidence = plainLines(withoutCredentials(finding.evidence ?? ""), maxEvidenceLength);
  const phases = finding.phases ?? http.firstPhases;
  const readings = [...validReadings(finding.readings ?? []), ...expiry(finding.readings ?? [], http.connections)];
  return {
    outcome,
    ...(reason && { reason }),
    ...(explanation && { explanation: typeset(explanation) }),
    ...(readings.length > 0 && { readings }),
    ...(evidence && { evidence }),
    ...(phases && { phases }),
  };
}

const ofStage: Readonly<Record<string, string>> = { resolve: "dns", tls: "certificate" };

/** What helps: what the probe names, else what the connection failed at, else what is usual for such a check. */
function runbookOf(
  { outcome, runbook }: Finding,
  error: unknown,
  { connections }: RunHttp,
  { probe }: Pick<RunParts, "probe">,
): Pick<Finding, "runbook"> {
  if (outcome === "up" || outcome === "unknown") return {};
  const failure = error instanceof Unreachable ? error : connections.find((one) => one.failure)?.failure;
  const stage = failure?.stage ?? "";
  const page = runbook ?? ofStage[stage] ?? probe.runbook;
  return page === undefined ? {} : { runbook: page };
}

const withoutCredentials = (text: string): string => text.replace(/:\/\/[^\s/@]*@/g, "://");

function validReadings(readings: readonly Reading[]): readonly Reading[] {
  return readings
    .filter(({ value }) => Number.isFinite(value))
    .slice(0, maxReadings)
    .map((reading) => {
      if (!reading.labels) return reading;
      const labels = Object.entries(reading.labels).map(([name, value]) => [
        name,
        plainText(String(value), maxReasonLength),
      ]);
      return { ...reading, labels: Object.fromEntries(labels) };
    });
}

function expiry(readings: readonly Reading[], connections: readonly ConnectionRecord[]): readonly Reading[] {
  if (readings.some(({ metric }) => metric === certificateExpiry.name)) return [];
  const ends = connections.flatMap(({ timing }) => (timing.tls ? [timing.tls.expiresAt.epochMilliseconds / 1000] : []));
  return ends.length > 0 ? [{ metric: certificateExpiry.name, value: Math.min(...ends) }] : [];
}
