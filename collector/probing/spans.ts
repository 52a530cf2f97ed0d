/**
 * An OpenTelemetry span for each run of a check, with its phases at their true times; costs nothing while nobody
 * collects them.
 */
import { type Attributes, context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Sample } from "../../core/sample.ts";
import type { Check } from "../../core/target.ts";
import type { ConnectionRecord } from "../network/connection-failure.ts";

export interface RunSpan {
  end(sample: Sample | undefined, connections: readonly ConnectionRecord[]): void;
}

/** @param startSeconds the beginning, in seconds of `performance.now()`, which the connections are timed by as well. */
export function startRunSpan(check: Check, at: Temporal.Instant, startSeconds: number): RunSpan {
  const tracer = trace.getTracer("tidewatch");
  const began = at.epochMilliseconds;
  const wall = (seconds: number) => began + (seconds - startSeconds) * 1000;
  const span = tracer.startSpan("check run", {
    kind: SpanKind.CLIENT,
    startTime: began,
    attributes: { "tidewatch.target": check.target, "tidewatch.check": check.id, "tidewatch.probe": check.probe },
  });
  return {
    end(sample, connections) {
      if (span.isRecording()) {
        const inside = trace.setSpan(context.active(), span);
        for (const { timing } of connections) {
          for (const { phase, from, to } of timing.steps) {
            tracer.startSpan(phase, { startTime: wall(from) }, inside).end(wall(to));
          }
        }
        span.setAttributes({ ...about(connections.at(-1)), ...(sample && { "tidewatch.outcome": sample.outcome }) });
        if (sample?.outcome !== "up")
          span.setStatus({ code: SpanStatusCode.ERROR, message: sample?.reason ?? "stopped" });
      }
      span.end(sample && began + sample.durationSeconds * 1000);
    },
  };
}

function about(connection: ConnectionRecord | undefined): Attributes {
  if (!connection) return {};
  const { timing, failure, server } = connection;
  return {
    ...(connection.method && { "http.request.method": connection.method }),
    "url.full": connection.url,
    "server.address": server.host,
    "server.port": server.port,
    ...(timing.status !== undefined && { "http.response.status_code": timing.status }),
    ...(timing.address !== undefined && { "network.peer.address": timing.address }),
    ...(failure && { "error.type": failure.stage }),
  };
}
