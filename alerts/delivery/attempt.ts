/** One attempt to send one notice: a deadline that holds whatever the channel does, and failures of one shape. */
import { type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Delivered } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import { orAborted, withinTime } from "../../core/deadline.ts";
import { DeliveryError } from "../../core/errors.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";

interface AttemptParts {
  readonly clock: Clock;
  /** For all of it, the opening of the channel included. */
  readonly deadlineSeconds: number;
  /** Ends it early. */
  readonly stop: AbortSignal;
}

/**
 * Resolves when the channel accepted the notice; throws DeliveryError otherwise, and nothing else ever.
 */
export async function attempt(
  notice: NoticeStatus,
  send: (signal: AbortSignal) => Promise<Delivered>,
  parts: AttemptParts,
): Promise<Delivered> {
  const attributes = {
    "tidewatch.channel": notice.channel,
    "tidewatch.notice.kind": notice.kind,
    "tidewatch.notice.key": notice.key,
    "tidewatch.notice.attempt": notice.attempts,
    ...(notice.incident !== undefined && { "tidewatch.incident": notice.incident }),
  };
  return trace.getTracer("tidewatch").startActiveSpan("deliver notice", { attributes }, async (span) => {
    try {
      return await withDeadline(send, parts);
    } catch (thrown) {
      throw failed(span, thrown);
    } finally {
      span.end();
    }
  });
}

/** A channel that ignores the signal is left behind; nothing waits for it. */
async function withDeadline(
  send: (signal: AbortSignal) => Promise<Delivered>,
  { clock, deadlineSeconds, stop }: AttemptParts,
): Promise<Delivered> {
  const end = new AbortController();
  const signal = AbortSignal.any([end.signal, stop]);
  const sent = orAborted(
    Promise.resolve().then(() => send(signal)),
    signal,
  );
  return withinTime(sent, { seconds: deadlineSeconds, clock }, () => {
    const late = new DeliveryError(`no answer within ${deadlineSeconds} s`, { verdict: "retry" });
    end.abort(late);
    throw late;
  });
}

function failed(span: Span, thrown: unknown): DeliveryError {
  const error = asDeliveryError(thrown);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  span.setAttribute("error.type", error.verdict);
  return error;
}

/** Whatever a channel throws: what is not a DeliveryError is an accident, which may not happen again. */
function asDeliveryError(thrown: unknown): DeliveryError {
  if (thrown instanceof DeliveryError) return thrown;
  if (thrown instanceof Error) return new DeliveryError(thrown.message, { verdict: "retry", cause: thrown });
  return new DeliveryError("the channel failed without a reason", { verdict: "retry", cause: thrown });
}
