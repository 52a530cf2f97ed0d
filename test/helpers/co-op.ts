/** A small co-op for scenarios: a service that can break, an anchor, a mail catcher, and the configuration that fits. */
import { type MailCatcher, startMailCatcher } from "../../practice/servers/mail.ts";
import { startMastodon } from "../../practice/stand-ins/mastodon.ts";
import type { StandIn } from "../../practice/stand-ins/stand-in.ts";
import { type Installation, install } from "./program.ts";
import { smallServer } from "./small-server.ts";

export interface Coop extends AsyncDisposable {
  readonly services: Readonly<Record<string, StandIn>>;
  readonly mail: MailCatcher;
  readonly installation: Installation;
  /** The configuration for these targets, by default for all services. */
  yaml(wishes?: CoopWishes): string;
  service(name: string): StandIn;
}

export interface CoopWishes {
  /** More targets, as they stand in the file. */
  readonly targets?: readonly string[];
  /** Which of the services are watched. */
  readonly watched?: readonly string[];
  /** More sections. */
  readonly more?: string;
  readonly server?: string;
  readonly store?: string;
  /** Another mail server than the one that catches all. */
  readonly smtp?: string;
}

/** A plain page, looked at every two seconds. */
export const target = (id: string, url: string, every = "2s", timeout = "1900ms") =>
  `  - id: ${id}
    name: ${id}
    checks: [{ id: web, probe: http, url: "${url}", every: ${every}, timeout: ${timeout} }]`;

export async function startCoop(names: readonly string[], wishes: CoopWishes = {}): Promise<Coop> {
  await using undo = new AsyncDisposableStack();
  const mail = undo.use(await startMailCatcher());
  const anchor = undo.use(await smallServer({ "*": { body: "here" } }));
  const started = await Promise.all(names.map(async (name) => [name, undo.use(await startMastodon())] as const));
  const services = Object.fromEntries(started);
  const service = (name: string) => {
    const found = services[name];
    if (!found) throw new Error(`there is no service ${name}`);
    return found;
  };
  const yaml = ({ targets = [], watched = names, more = "", server, store }: CoopWishes = {}) => `
organisation: { name: Scenario Co-op, languages: [en], timeZone: America/Vancouver }
server: ${server ?? '{ public: "127.0.0.1:0", private: "127.0.0.1:0", url: "https://status.example" }'}
store: { sqlite: ${store ?? "./data/tidewatch.db"} }
selfCheck: { anchors: ["${anchor.url}"] }
targets:
${[...watched.map((name) => target(name, `${service(name).url}/health`)), ...targets].join("\n")}
alerts:
  contacts: [{ id: contractor, name: Contractor, email: contractor@coop.example, timeZone: America/Toronto }]
  email: { from: tidewatch@coop.example, smtp: { env: SMTP_URL } }
  escalation: [{ after: 0s, notify: [contractor] }]
  confirm: { failures: 3, retryEvery: 300ms, successes: 2, recoverEvery: 300ms }
  flapping: { within: 0s }
${more}`;
  const installation = undo.use(await install(yaml(wishes), { env: { SMTP_URL: wishes.smtp ?? mail.url } }));
  const held = undo.move();
  return { services, mail, installation, yaml, service, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
