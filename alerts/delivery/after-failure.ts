/** What becomes of a notice that was not accepted: a retry, the next step in its place, or the end; written down and logged. */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { isWaking } from "../../core/notice.ts";
import { mostCopies, type NoticeStatus, notConfirmed } from "../../core/store/outbox.ts";
import type { DueTimes } from "./due-times.ts";
import type { FailedAttempt } from "./failed-attempt.ts";
import { type HandOverParts, handOver } from "./refused-page.ts";
import { retryDelaySeconds } from "./retry-delay.ts";

interface Parts extends HandOverParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly due: DueTimes;
  onResult?(result: {
    readonly channel: string;
    readonly kind: NoticeStatus["kind"];
    readonly result: "failed" | "dropped";
  }): void;
}

/** @returns whether that speaks against the channel. */
export async function afterFailure(notice: NoticeStatus, failed: FailedAttempt, parts: Parts): Promise<boolean> {
  const { store, clock, log, due, onResult } = parts;
  const { key, channel, kind, attempts, copies } = notice;
  const { error, copy, isOvertaken } = failed;
  const isRefused = error.verdict !== "retry" && !isOvertaken;
  const again = !isRefused || (isWaking(notice) && !(await handOver(notice, error, parts)));
  const isUsedUp = again && copies >= mostCopies;
  const wait = again && !isOvertaken && !isUsedUp ? retryDelaySeconds(notice, failed) : undefined;
  const retryAt = clock.now().add({ milliseconds: Math.round((wait ?? 0) * 1000) });
  await store.outbox.settle(key, attempts, {
    ...(again ? { state: "pending", retryAt } : { state: "dropped" }),
    error: isUsedUp ? notConfirmed : error.message,
    ...(copy === "refused" && { copyRefused: true }),
  });
  if (wait !== undefined) due.hold(notice, wait, retryAt);
  else if (!isOvertaken) due.forget([key]);
  const fields = { ...nameOf(notice), copies, error, retryInSeconds: wait };
  if (isRefused) log.error("a notice was refused for good", fields);
  else if (isUsedUp) log.error("a notice was sent as often as it may be, and not confirmed", fields);
  else log.warn("a notice was not accepted", fields);
  onResult?.({ channel, kind, result: again ? "failed" : "dropped" });
  // One message that is given up, refused by a service that works, says nothing about the others.
  return again || error.verdict !== "permanent";
}

/** For the log. */
export function nameOf({ key, channel, kind, to, attempts }: NoticeStatus) {
  return { notice: key, kind, channel, to: to.id, attempts };
}
