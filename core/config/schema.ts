/** The schema of tidewatch.yaml: every setting with its description, its limits, its default, and its conversion to base units. */
import { z } from "zod";
import type { Channel } from "../channel.ts";
import { fallbackLanguage, type Language } from "../language.ts";
import type { Probe } from "../probe.ts";
import { Secret } from "../secret.ts";
import { isTimeZone } from "../time-zone.ts";
import { formatDuration } from "../units.ts";
import { checkDefaults, flappingDefaults, storeDefault, confirmationDefaults as usual } from "./defaults.ts";
import { duration, identifier, language, localised, ratio, secret, secretJsonSchema, webAddress } from "./settings.ts";
import { nearest } from "./spelling-suggestion.ts";

/** What the folders probes/ and alerts/channels/ hold, by file name. */
export interface Plugins {
  readonly probes: Readonly<Record<string, Probe>>;
  readonly channels: Readonly<Record<string, Channel>>;
}

const day = 86_400;

export function configSchema({ channels }: Plugins) {
  return z.strictObject({
    organisation: organisation().describe("Whose monitor this is."),
    server: server().prefault({}).describe("Where Tidewatch listens."),
    store: store().prefault({}).describe("Where measurements and incidents are kept."),
    data: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The folder of what is kept beside the store: the finished pages, in `pages`. A relative path starts at the folder of this file. Without it, the folder of the store's file.",
      ),
    fallback: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The file from which pages leave while the store cannot be written: 1 MB, made at the first start. Best on another file system than the store. A relative path starts at the folder of this file. Without it, `fallback.journal` in the folder `data`.",
      ),
    vantagePoint: identifier()
      .prefault("here")
      .describe("The name of the place the checks run from, as it appears in metrics."),
    selfCheck: selfCheck()
      .prefault({})
      .describe("How Tidewatch finds out whether it is cut off itself, before it blames a service."),
    targets: z
      .array(targetSettings)
      .min(1, { error: "there is nothing to watch: add a target" })
      .describe("What is watched: everything members would miss."),
    alerts: alerts(channels).prefault({}).describe("Who is told, how, and in which order."),
    heartbeat: heartbeat()
      .optional()
      .describe("A sign of life to somebody outside who notices when Tidewatch itself dies."),
    telemetry: telemetry().optional().describe("Traces of every check and delivery, for an OpenTelemetry collector."),
    practice: z
      .boolean()
      .prefault(false)
      .meta({ internal: true })
      .describe("Set by the practice co-op's own configuration: every page carries a ribbon."),
  });
}

export type WrittenConfig = z.output<ReturnType<typeof configSchema>>;

const timeZone = () =>
  z
    .string()
    .superRefine((zone, context) => {
      if (/^[A-Z]/i.test(zone) && isTimeZone(zone)) return;
      const meant = nearest(zone, ["UTC", ...Intl.supportedValuesOf("timeZone")]);
      const hint = meant ? `did you mean ${meant}?` : "write it like America/Vancouver";
      context.addIssue({ code: "custom", message: `"${zone}" is not a time zone: ${hint}` });
    })
    .meta({ examples: ["America/Vancouver", "America/Toronto", "UTC"] });

const organisation = () =>
  z.strictObject({
    name: localised().describe("Its name, as members know it."),
    url: webAddress().optional().describe("Its own website; the status page links to it."),
    languages: z
      .array(language())
      .min(1)
      .superRefine((list, context) => {
        if (new Set(list).size < list.length)
          context.addIssue({ code: "custom", message: "a language is named twice" });
      })
      .transform(([first = fallbackLanguage, ...others]): readonly [Language, ...Language[]] => [first, ...others])
      .prefault(["en", "fr"])
      .describe("Languages of the status page, the usual one first."),
    timeZone: timeZone().prefault("UTC").describe("The zone in which days begin and times are printed."),
  });

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `0.0.0.0:8080`, `127.0.0.1:9464`, `[::]:8080`, `localhost:0`. */
const listener = () =>
  z.string().transform((text, context): ListenAddress => {
    const [, bracketed, plain, digits = ""] = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text.trim()) ?? [];
    const host = bracketed ?? plain;
    const port = Number(digits);
    if (host !== undefined && port <= 65_535) return { host, port };
    const message = `"${text}" is not an address to listen on: write host:port, like 0.0.0.0:8080 or 127.0.0.1:9464`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

const server = () =>
  z.strictObject({
    public: listener().prefault("0.0.0.0:8080").describe("Address and port of the status page and the team pages."),
    private: listener()
      .prefault("127.0.0.1:9464")
      .describe("Address and port of /metrics and /healthz; keep it away from the internet."),
    privateIsShielded: z
      .boolean()
      .prefault(false)
      .describe(
        "Says that `private` may listen for other machines, because a container's network or a firewall keeps strangers away from it.",
      ),
    url: webAddress()
      .refine((url) => !/[?#]/.test(url), { error: "links are made from this address: take out what follows ? or #" })
      .optional()
      .describe("How the status page is reached from outside; links in mails begin with it."),
    metrics: z
      .enum(["private", "public"])
      .prefault("private")
      .describe("On which of the two /metrics is served: public means both."),
  });

const store = () =>
  z.strictObject({
    sqlite: z
      .string()
      .min(1)
      .optional()
      .describe(`The database file. A relative path starts at the folder of this file. Default: ${storeDefault}`),
    postgres: secret()
      .optional()
      .meta({ internal: true })
      .describe("Not there yet: a PostgreSQL database that several Tidewatch processes share."),
  });

const anchor = () =>
  z
    .string()
    .meta({ examples: ["https://www.example.ca", "192.0.2.53:53"] })
    .transform((text, context) => {
      const address = /^[a-z]+:\/\//i.test(text) ? text : `tcp://${text}`;
      const url = URL.parse(address);
      const good = url && (/^https?:$/.test(url.protocol) || (url.protocol === "tcp:" && url.port !== ""));
      if (good && url.hostname && !url.username && !url.password) return address;
      const message = `"${text}" is not an anchor: write an address like https://www.example.ca, or host:port`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    });

const selfCheck = () =>
  z.strictObject({
    anchors: z
      .array(anchor())
      .max(20)
      .prefault([])
      .describe(
        "Places that answer whenever our own connection works: web addresses, or host:port for a plain connection. Best three, none of them something that is watched. Without any, this machine's name servers and what else is watched are asked; where nobody answers, a silent failure counts as not measured.",
      ),
    require: z
      .int()
      .min(1)
      .optional()
      .describe("How many of them must answer; fewer, and results count as not measured. Default: half of them."),
  });

const confirmation = () =>
  z.strictObject({
    failures: z
      .int()
      .min(1)
      .max(20)
      .optional()
      .describe(`Bad results in a row that make an outage. Default: ${usual.failures}`),
    retryEvery: duration({ atLeast: 0.1, atMost: day })
      .optional()
      .describe(
        `Time from a bad result to the next try. Default: ${formatDuration(usual.retrySeconds)}, or the interval where that is shorter`,
      ),
    successes: z
      .int()
      .min(1)
      .max(20)
      .optional()
      .describe(`Good results in a row that end it. Default: ${usual.successes}`),
    recoverEvery: duration({ atLeast: 0.1, atMost: day })
      .optional()
      .describe(
        `Time from a good result to the next try while recovering. Default: ${formatDuration(usual.recoverySeconds)}, or the interval if shorter. What is down is looked at once a minute at least`,
      ),
  });

const flapping = () =>
  z.strictObject({
    within: duration({ atMost: day })
      .prefault(formatDuration(flappingDefaults.withinSeconds))
      .describe("Down again so soon after its end, it is the same incident still. 0s: each outage is one of its own."),
    quietFor: duration({ atMost: day })
      .prefault(formatDuration(flappingDefaults.quietSeconds))
      .describe("After it came back, it is told as over only when it was well for so long."),
  });

export type WrittenConfirmation = z.output<ReturnType<typeof confirmation>>;

const checkNames = () => z.array(z.string().min(1).max(81)).max(20);

/** What can be said of every check, whatever its probe. */
export const commonSettings = z.object({
  id: identifier().describe("Names the check inside its target; one that the kind brings is changed by its id."),
  probe: z
    .string()
    .optional()
    .describe("What looks: one of the probes. Left out to change a check that the kind brings."),
  every: duration({ atLeast: 1, atMost: 7 * day })
    .optional()
    .describe(
      `Time between two runs. Default: ${formatDuration(checkDefaults.everySeconds)}, or what the probe thinks best`,
    ),
  timeout: duration({ atLeast: 0.1, atMost: 600 })
    .optional()
    .describe(
      `Time for one run; must be shorter than \`every\`. Default: ${formatDuration(checkDefaults.timeoutSeconds)}, or what the probe thinks best`,
    ),
  required: z
    .boolean()
    .optional()
    .describe(
      `false: measured and shown to the team, but it neither makes the target down nor wakes anybody. Default: ${checkDefaults.required}`,
    ),
  confirm: confirmation().optional().describe("How a change is made sure of, where it differs from `alerts.confirm`."),
  dependsOn: checkNames()
    .optional()
    .describe(
      "Checks that this one cannot do without: `web` in the same target, `database/growth` in another. While one of them fails as badly, a failure of this check is put down to it and nobody is told twice; one that fails only now is looked at at once, and a page waits for it up to 90 s. Default: the checks a kind brings for its address depend on its `web`",
    ),
});

/** One check as written: the settings above, and flat beside them those of its probe, which are read later. */
export const checkSettings = z.looseObject(commonSettings.shape).meta({ id: "Check" });

const objective = () =>
  z.strictObject({
    goal: ratio()
      .refine((goal) => goal >= 0.5 && goal < 1, {
        error: "a goal lies between 50% and 99.999%: 100% would leave nothing that may ever fail",
      })
      .describe("Share of the time in which it works."),
    over: duration({ atLeast: day, atMost: 366 * day })
      .prefault("30d")
      .describe("The stretch of time the goal is for."),
  });

/** A secret, or settings, handed on to the checks that the kind brings. */
const forKind = (about: string) =>
  z
    .custom<unknown>((value) => value instanceof Secret || (typeof value === "object" && value !== null), {
      error: ({ input }) =>
        typeof input === "string"
          ? "this is a secret and must not stand in the file: write { env: NAME } and set that environment variable, or { file: PATH }"
          : "expected { env: NAME }, { file: PATH }, or the settings of that check",
    })
    .meta({ anyOf: [...secretJsonSchema.oneOf, { type: "object" }] })
    .optional()
    .describe(about);

const targetSettings = z.strictObject({
  id: identifier().describe("Its short name in addresses, metrics and on the command line."),
  name: localised().optional().describe("Its name on the pages. Default: what the kind is called, else the id"),
  public: z.boolean().prefault(true).describe("false: not shown on the members' page."),
  planned: z
    .boolean()
    .prefault(false)
    .describe("true: not in service yet. Shown to the team, never checked, and its secrets need not be there."),
  objective: objective().optional().describe("What was promised about it."),
  kind: z.string().optional().describe("The software; brings the standard checks for it."),
  url: webAddress().optional().describe("Its address, for the standard checks and the link on the page."),
  queues: forKind("Where its background jobs wait (the address of its Redis); adds the kind's checks of them."),
  database: forKind("Its PostgreSQL database; adds the kind's checks of its growth."),
  dependsOn: checkNames()
    .optional()
    .describe(
      "Checks that nothing of this target can do without, like `database/growth`: added to what each of its checks depends on.",
    ),
  checks: z.array(checkSettings).prefault([]).describe("Checks to add, or to change where the kind brings them."),
});

const contact = (channels: Plugins["channels"]) =>
  z.strictObject({
    ...fields(channels, (channel, name) => channel.address.optional().describe(`Address for ${name}.`)),
    id: identifier().describe("Names the contact in `escalation`."),
    name: z.string().min(1).max(100).describe("As it stands in notices."),
    timeZone: timeZone().optional().describe("The zone of times in notices to them. Default: the organisation's"),
    email: (channels["email"]?.address ?? z.email())
      .optional()
      .describe("E-mail address; also lets them sign in to the team pages."),
  });

const escalationStep = z.strictObject({
  after: duration({ atMost: day }).describe("Time since the outage was confirmed, if nobody has acknowledged it."),
  notify: z.array(z.string()).min(1).describe("Ids of contacts."),
});

const alerts = (channels: Plugins["channels"]) =>
  z.strictObject({
    ...fields(channels, (channel) => channel.options.optional().describe(channel.summary)),
    contacts: z.array(contact(channels)).prefault([]).describe("People who can be told."),
    escalation: z
      .array(escalationStep)
      .prefault([])
      .describe("Who is woken first, and who next if nobody acknowledges in time."),
    confirm: confirmation().prefault({}).describe("How a change is made sure of before anybody is told."),
    flapping: flapping().prefault({}).describe("When what comes and goes is one incident."),
  });

/** Fields whose names are only known at run time: one for each plug-in. */
function fields<T>(plugins: Readonly<Record<string, T>>, field: (plugin: T, name: string) => z.ZodType) {
  return Object.fromEntries(Object.entries(plugins).map(([name, plugin]) => [name, field(plugin, name)] as const));
}

const heartbeat = () =>
  z.strictObject({
    url: z
      .union([webAddress().transform((url) => new Secret(url)), secret()], {
        error: "expected an address like https://heartbeat.example/id, or { env: NAME } or { file: PATH }",
      })
      .refine((url) => webAddress().safeParse(url.reveal()).success, {
        error: "the secret does not hold an address that begins with https:// or http://",
      })
      .describe("Asked (GET) at every beat; in your own hands or a service's."),
    every: duration({ atLeast: 1, atMost: day }).prefault("60s").describe("Time between two beats."),
  });

const telemetry = () =>
  z.strictObject({
    otlp: webAddress().describe("Base address of an OTLP/HTTP collector; the OTEL_* variables win over it."),
  });
