/**
 * OpenTelemetry: spans of check runs and deliveries go out over OTLP when an endpoint is configured. Without one only
 * the API is there, whose spans cost nothing; the SDK is not even loaded.
 */

export interface TelemetrySettings {
  /** Base address of an OTLP/HTTP collector, "http://127.0.0.1:4318". The OTEL_* variables win where both are set. */
  readonly otlp?: string;
}

export async function openTelemetry(
  settings: TelemetrySettings | undefined,
  { version, env }: { readonly version: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<AsyncDisposable> {
  const fromEnv = env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  if (!settings?.otlp && !fromEnv) return { async [Symbol.asyncDispose]() {} };
  const [{ NodeSDK }, { resourceFromAttributes }, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/exporter-trace-otlp-proto"),
  ]);
  const url = settings?.otlp && new URL("v1/traces", `${settings.otlp.replace(/\/$/, "")}/`).href;
  const sdk = new NodeSDK({
    serviceName: env["OTEL_SERVICE_NAME"] ?? "tidewatch",
    resource: resourceFromAttributes({ "service.version": version }),
    traceExporter: new OTLPTraceExporter(fromEnv || !url ? {} : { url }),
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  return {
    // A collector that does not answer must not hold up the shutdown.
    [Symbol.asyncDispose]: () => Promise.race([sdk.shutdown(), AbortSignal.timeout(3000)].map(settled)).then(() => {}),
  };
}

function settled(end: Promise<void> | AbortSignal): Promise<void> {
  if (!(end instanceof AbortSignal)) return end.catch(() => {});
  return new Promise((resolve) => end.addEventListener("abort", () => resolve(), { once: true }));
}
