/** JSON Schema of the configuration: for completion in an editor, and as the source of the documentation. */
import { z } from "zod";
import { configSchema, type Plugins } from "../../core/config/config.ts";
import { commonSettings } from "../../core/config/schema.ts";

/** As much of JSON Schema as ours uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

const jsonSchema: z.ZodType<JsonSchema> = z.custom<JsonSchema>((value) => typeof value === "object" && value !== null);

export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const written = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return jsonSchema.parse(withoutInternal(written));
}

/** Without the settings that only our own files use, and without bounds that say nothing. */
function withoutInternal(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutInternal);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, inner]) => !isInternal(inner) && !(key === "maximum" && inner === Number.MAX_SAFE_INTEGER))
      .map(([key, inner]) => [key, withoutInternal(inner)]),
  );
}

const isInternal = (node: unknown): boolean =>
  typeof node === "object" && node !== null && "internal" in node && node.internal === true;

/** The whole file, with each probe's own settings in place. */
export function configJsonSchema(plugins: Plugins): JsonSchema {
  const whole = jsonSchemaOf(configSchema(plugins));
  const kinds = Object.keys(plugins.probes).filter((name) => plugins.probes[name]?.kind);
  const target = whole.properties?.["targets"]?.items;
  const kind = { ...target?.properties?.["kind"], enum: kinds };
  const items = { ...target, properties: { ...target?.properties, kind } };
  return {
    ...whole,
    properties: { ...whole.properties, targets: { ...whole.properties?.["targets"], items } },
    $defs: { Check: { anyOf: [...Object.keys(plugins.probes).map((name) => checkOf(name, plugins)), changed()] } },
  };
}

function checkOf(name: string, { probes }: Plugins): JsonSchema {
  const common = jsonSchemaOf(commonSettings);
  const probe = probes[name];
  const options = jsonSchemaOf(probe?.options ?? z.object());
  return {
    ...(probe && { description: probe.summary }),
    type: "object",
    properties: { ...common.properties, probe: { const: name }, ...options.properties },
    required: ["id", "probe", ...(options.required ?? [])],
    additionalProperties: false,
  };
}

/** A check that the kind brings, with some settings changed: whose they are, only the kind knows. */
function changed(): JsonSchema {
  const { probe: _, ...properties } = jsonSchemaOf(commonSettings).properties ?? {};
  return {
    description: "Changes the check of this id that the kind brings.",
    type: "object",
    properties: { ...properties, probe: { description: "Not possible here.", not: {} } },
    required: ["id"],
  };
}
