/** The OpenTelemetry SDK for traces, put together from its parts: what is not used of it need not be installed. */
import { context, DiagConsoleLogger, diag, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { diagLogLevelFromString, getStringFromEnv } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { detectResources, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { batches, resourceDetectors, sampler, spanLimits } from "./telemetry-environment.ts";

export function startTracing(
  version: string,
  exporter: ConstructorParameters<typeof OTLPTraceExporter>[0],
): TracerProvider {
  const logLevel = diagLogLevelFromString(getStringFromEnv("OTEL_LOG_LEVEL"));
  if (logLevel !== undefined) diag.setLogger(new DiagConsoleLogger(), { logLevel });
  const ours = resourceFromAttributes({ "service.name": "tidewatch", "service.version": version });
  const provider = new TracerProvider({
    ...sampler(),
    spanLimits: spanLimits(),
    resource: ours.merge(detectResources({ detectors: resourceDetectors() })),
    spanProcessors: [new BatchSpanProcessor({ ...batches(), exporter: new OTLPTraceExporter(exporter) })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  return provider;
}
