/**
 * The OTEL_* environment variables of tracing that the SDK's parts do not read by themselves: sampler, limits, batches,
 * resource attributes. What is unset or unreadable is left to the SDK.
 */
import { diag } from "@opentelemetry/api";
import { getNumberFromEnv, getStringFromEnv, getStringListFromEnv } from "@opentelemetry/core";
import {
  hostDetector,
  osDetector,
  processDetector,
  type ResourceDetector,
  resourceAttributesEnvDetector,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  type BatchSpanProcessorOptions,
  ParentBasedSampler,
  type Sampler,
  type SpanLimits,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";

const samplers: Readonly<Record<string, () => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: ratio,
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: () => new ParentBasedSampler({ root: ratio() }),
};

function ratio(): Sampler {
  const share = getNumberFromEnv("OTEL_TRACES_SAMPLER_ARG");
  return new TraceIdRatioBasedSampler(share !== undefined && share >= 0 && share <= 1 ? share : 1);
}

export function sampler(): { readonly sampler?: Sampler } {
  const name = getStringFromEnv("OTEL_TRACES_SAMPLER");
  if (name === undefined) return {};
  const make = samplers[name];
  if (make === undefined) diag.error(`there is no sampler "${name}" (OTEL_TRACES_SAMPLER)`);
  return make === undefined ? {} : { sampler: make() };
}

export const spanLimits = (): SpanLimits =>
  positiveNumbers({
    attributeCountLimit: ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"],
    attributeValueLengthLimit: ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"],
  });

export const batches = (): Omit<BatchSpanProcessorOptions, "exporter"> =>
  positiveNumbers({
    maxQueueSize: ["OTEL_BSP_MAX_QUEUE_SIZE"],
    scheduledDelayMillis: ["OTEL_BSP_SCHEDULE_DELAY"],
    exportTimeoutMillis: ["OTEL_BSP_EXPORT_TIMEOUT"],
    maxExportBatchSize: ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"],
  });

/** Of each setting, the first of its variables that is a number above zero. */
function positiveNumbers(settings: Readonly<Record<string, readonly string[]>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([setting, names]) => {
      const number = names.map(getNumberFromEnv).find((each) => each !== undefined && each > 0);
      return number === undefined ? [] : [[setting, number] as const];
    }),
  );
}

const detectors: Readonly<Record<string, ResourceDetector>> = {
  serviceinstance: serviceInstanceIdDetector,
  host: hostDetector,
  os: osDetector,
  process: processDetector,
};
/** Not `process`: it tells folders, arguments and the user's name. */
const usualDetectors = ["serviceinstance", "host", "os"];

/** What is told about this machine, and last, so that they win, the attributes that the operator gave. */
export function resourceDetectors(): ResourceDetector[] {
  const named = getStringListFromEnv("OTEL_NODE_RESOURCE_DETECTORS") ?? usualDetectors;
  const wanted = Object.entries(detectors).filter(([name]) => named.includes(name) || named.includes("all"));
  return [...wanted.map(([, detector]) => detector), resourceAttributesEnvDetector, serviceNameEnvDetector];
}
