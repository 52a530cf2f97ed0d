/**
 * OpenTelemetry tracing: exports spans of check runs and deliveries over OTLP when an endpoint is configured. Without
 * one only the API is there, whose spans cost nothing; the SDK is not even loaded.
 */

export interface TelemetrySettings {
  /** Base address of an OTLP/HTTP collector, "http://127.0.0.1:4318". The OTEL_* variables win where both are set. */
  readonly otlp?: string;
}

/**
 * How long a batch may take with all its retries, unless the OTEL_* variables say otherwise. It also bounds what a dead
 * collector can add to the shutdown: an export on its way keeps the process alive.
 */
const exportSeconds = 2;
/** How long the shutdown waits for the last batch. */
const goodbyeSeconds = 1;

export async function openTelemetry(
  settings: TelemetrySettings | undefined,
  { version, env }: { readonly version: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<AsyncDisposable> {
  const fromEnv = env["OTEL_EXPORTER_OTLP_ENDPOINT"] || env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  const disabled = env["OTEL_SDK_DISABLED"]?.trim().toLowerCase() === "true";
  if (disabled || (!settings?.otlp && !fromEnv)) return { async [Symbol.asyncDispose]() {} };
  const { startTracing } = await import("./tracing.ts");
  const url = settings?.otlp && new URL("v1/traces", `${settings.otlp.replace(/\/+$/, "")}/`).href;
  const timeout = env["OTEL_EXPORTER_OTLP_TIMEOUT"] || env["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"];
  const tracing = startTracing(version, {
    ...(url && !fromEnv && { url }),
    ...(!timeout && { timeoutMillis: exportSeconds * 1000 }),
  });
  return { [Symbol.asyncDispose]: () => atMost(goodbyeSeconds, tracing.shutdown()) };
}

/** A collector that does not answer must not hold up the shutdown, nor make it fail. */
async function atMost(seconds: number, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1000);
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}
