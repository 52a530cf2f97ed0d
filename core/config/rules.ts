/** Rules between settings that stand in different places, and warnings (advice) about what works but is probably a mistake. */
import { z } from "zod";
import type { OnCall } from "../organisation.ts";
import type { Target } from "../target.ts";
import { parseDuration } from "../units.ts";
import { storeDefault } from "./defaults.ts";
import { fault, listed, type SettingFault, shown, valueAt } from "./faults.ts";
import { nearest } from "./spelling-suggestion.ts";

/** Settings of which something may be wrong: whatever can be used, so that these rules speak beside all other faults. */
const lenientSettings = z.object({
  server: z.object({ public: z.string().catch("0.0.0.0:8080"), private: z.string().catch("127.0.0.1:9464") }).catch({
    public: "0.0.0.0:8080",
    private: "127.0.0.1:9464",
  }),
  store: z.looseObject({}).catch({}),
  selfCheck: z.object({ anchors: z.array(z.unknown()).catch([]), require: z.number().catch(0) }).catch({
    anchors: [],
    require: 0,
  }),
  targets: z.array(z.looseObject({}).catch({})).catch([]),
  alerts: z.looseObject({ contacts: z.array(z.looseObject({}).catch({})).catch([]) }).catch({ contacts: [] }),
});
type LenientSettings = z.output<typeof lenientSettings>;

const step = z.object({ after: z.string().catch(""), notify: z.array(z.unknown()).catch([]) });
const noStep: z.output<typeof step> = { after: "", notify: [] };

/** @param channels names of all channels there are. */
export function crossFaults(settings: unknown, channels: readonly string[]): readonly SettingFault[] {
  const parsed = lenientSettings.safeParse(settings);
  if (!parsed.success) return [];
  const { data } = parsed;
  return [
    ...repeatedIds(data.targets, "targets", ["targets"]),
    ...repeatedIds(data.alerts.contacts, "contacts", ["alerts", "contacts"]),
    ...withoutChecks(data),
    ...storeFaults(data),
    ...listenerFaults(data),
    ...tooManyRequired(data),
    ...escalationFaults(data, channels),
  ];
}

function repeatedIds(
  entries: readonly Readonly<Record<string, unknown>>[],
  what: string,
  path: readonly string[],
): readonly SettingFault[] {
  return entries.flatMap(({ id }, index) => {
    const again = typeof id === "string" && entries.findIndex((other) => other["id"] === id) < index;
    return again
      ? [fault([...path, index, "id"], `there are two ${what} ${shown(id)}: give one of them another id`)]
      : [];
  });
}

function withoutChecks({ targets }: LenientSettings): readonly SettingFault[] {
  return targets.flatMap((target, index) => {
    const { id, kind, checks, planned } = target;
    if (typeof id !== "string" || kind !== undefined || planned === true) return [];
    if (checks !== undefined && !(Array.isArray(checks) && checks.length === 0)) return [];
    const message = `nothing would be checked of ${shown(id)}: add kind: or checks:, or planned: true`;
    return [fault(["targets", index], message)];
  });
}

function storeFaults({ store }: LenientSettings): readonly SettingFault[] {
  if (store["postgres"] === undefined) return [];
  const message = `PostgreSQL cannot be the store yet: write store: { sqlite: ${storeDefault} }`;
  return [fault(["store", "postgres"], message, "key")];
}

function listenerFaults({ server }: LenientSettings): readonly SettingFault[] {
  const [open, own] = [server.public, server.private].map((text) => /^(.*):(\d+)$/.exec(text.trim()));
  if (!open || !own || open[2] !== own[2] || Number(own[2]) === 0) return [];
  const everywhere = [open[1], own[1]].some((host) => host === "0.0.0.0" || host === "[::]");
  if (open[1] !== own[1] && !everywhere) return [];
  return [fault(["server", "private"], `private and public both listen on port ${own[2]}: give one of them another`)];
}

function tooManyRequired({ selfCheck }: LenientSettings): readonly SettingFault[] {
  const { anchors, require } = selfCheck;
  if (require <= anchors.length) return [];
  const message = `${require} anchors must answer, and there ${anchors.length === 1 ? "is only 1" : `are only ${anchors.length}`}: results would never count`;
  return [fault(["selfCheck", "require"], message)];
}

function escalationFaults({ alerts }: LenientSettings, channels: readonly string[]): readonly SettingFault[] {
  const steps = z.array(step.catch(noStep)).catch([]).parse(alerts["escalation"]);
  const configured = channels.filter((channel) => alerts[channel] !== undefined);
  const contacts = new Map(alerts.contacts.map((contact) => [contact["id"], contact]));
  return steps.flatMap(({ after, notify }, index) => {
    const path = ["alerts", "escalation", index];
    const earlier = steps.slice(0, index).map((other) => parseDuration(other.after) ?? 0);
    const early = (parseDuration(after) ?? Number.POSITIVE_INFINITY) < Math.max(0, ...earlier);
    const message = `after: ${after} comes before the step above it: put the steps in order`;
    return [
      ...(early ? [fault([...path, "after"], message)] : []),
      ...notify.flatMap((id, place) => {
        const problem = contactProblem(id, contacts, configured);
        return problem ? [fault([...path, "notify", place], problem)] : [];
      }),
    ];
  });
}

function contactProblem(
  id: unknown,
  contacts: ReadonlyMap<unknown, Readonly<Record<string, unknown>>>,
  configured: readonly string[],
): string | undefined {
  const contact = contacts.get(id);
  if (typeof id !== "string") return undefined;
  if (!contact) {
    const known = [...contacts.keys()].filter((key) => typeof key === "string");
    const meant = nearest(id, known);
    const there = known.length > 0 ? `there are ${known.join(", ")}` : "add one under alerts.contacts";
    return `there is no contact ${shown(id)}: ${meant ? `did you mean "${meant}"?` : there}`;
  }
  if (configured.some((channel) => contact[channel] !== undefined)) return undefined;
  if (configured.length > 0) {
    return `${shown(id)} cannot be told: give the contact an address for ${listed(configured)}`;
  }
  return `${shown(id)} cannot be told: no channel is set up; add one, like alerts.email: { from: …, smtp: { env: SMTP_URL } }`;
}

/** The settings that advice is about. */
interface Advised {
  readonly practice: boolean;
  readonly server: {
    readonly url: string;
    readonly private: { readonly host: string };
    readonly privateIsShielded: boolean;
  };
  readonly selfCheck: { readonly anchors: readonly string[] };
  readonly targets: readonly Pick<Target, "public">[];
  readonly onCall: OnCall;
  readonly channels: Readonly<Record<string, unknown>>;
  readonly heartbeat?: unknown;
}

const onThisMachine = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i;

/** Warnings about what works but is probably a mistake. */
export function advice(config: Advised, settings: unknown): readonly SettingFault[] {
  if (config.practice) return [];
  return [
    ...addressAdvice(config, settings),
    ...listenerAdvice(config),
    ...peopleAdvice(config),
    ...missingAdvice(config),
  ];
}

/** What is served there is for the operator's own eyes: names of all targets, also those that no page shows. */
function listenerAdvice({ server }: Advised): readonly SettingFault[] {
  if (server.privateIsShielded || onThisMachine.test(server.private.host)) return [];
  const message =
    `server.private listens on ${server.private.host}, for other machines too, and whoever reaches it reads /metrics: ` +
    "write 127.0.0.1, or privateIsShielded: true where a container's network or a firewall keeps strangers away";
  return [fault(["server", "private"], message)];
}

function addressAdvice({ server }: Advised, settings: unknown): readonly SettingFault[] {
  const { hostname, protocol } = new URL(server.url);
  const path = ["server", "url"];
  if (valueAt(settings, path) === undefined) {
    return [fault(path, `server.url is not set: links in mails will begin with ${server.url}`)];
  }
  if (protocol === "https:" || onThisMachine.test(hostname)) return [];
  return [fault(path, "the address is not https: links that sign people in would travel readable by others")];
}

function peopleAdvice({ onCall, channels }: Advised): readonly SettingFault[] {
  const reachable = (channel: string) => onCall.contacts.some(({ addresses }) => addresses[channel] !== undefined);
  return [
    ...(onCall.escalation.length === 0
      ? [
          fault(
            ["alerts", "escalation"],
            "nobody is told of an outage: add contacts, a channel and escalation under alerts",
          ),
        ]
      : []),
    ...Object.keys(channels)
      .filter((channel) => !reachable(channel))
      .map((channel) =>
        fault(["alerts", channel], `no contact has an address for ${channel}: it will never be used`, "key"),
      ),
    ...(onCall.contacts.some(({ email }) => email !== undefined)
      ? []
      : [fault(["alerts", "contacts"], "no contact has an e-mail address: nobody can sign in to the team pages")]),
  ];
}

function missingAdvice({ selfCheck, heartbeat, targets }: Advised): readonly SettingFault[] {
  const noAnchors =
    "there are no anchors: only name servers, and what else is watched, tell whether our own connection works; where none of them answers, a silent failure is not measured";
  const noHeartbeat = "there is no heartbeat: nobody outside notices when Tidewatch itself dies";
  const nothingPublic = "no target is public: the members' page will be empty";
  return [
    ...(selfCheck.anchors.length === 0 ? [fault(["selfCheck", "anchors"], noAnchors)] : []),
    ...(heartbeat ? [] : [fault(["heartbeat"], noHeartbeat)]),
    ...(targets.some((target) => target.public) ? [] : [fault(["targets"], nothingPublic)]),
  ];
}
