/** What the routes of the public listener share: the parts they use, the props of a page, error pages, and the audit log. */
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Clock } from "../../core/clock.ts";
import type { HeartbeatListener } from "../../core/heartbeat.ts";
import type { PageError } from "../../core/languages/words.ts";
import type { Log } from "../../core/log.ts";
import type { Contact, Organisation } from "../../core/organisation.ts";
import type { Reports } from "../../core/reports.ts";
import type { AuditEntry } from "../../core/store/audit.ts";
import type { Store } from "../../core/store/store.ts";
import { chooseLanguage } from "../content-negotiation.ts";
import type { Pages } from "../members/page-making.ts";
import { errorPage } from "../parts/error-page.ts";
import type { LayoutProps } from "../parts/layout.ts";
import { securityHeaders } from "../security-headers.ts";
import type { Exposition, Health } from "./health-and-metrics.ts";

/** What a reload of the configuration may change; asked for at every request. */
interface PublicSettings {
  readonly organisation: Organisation;
  readonly contacts: readonly Contact[];
  /** `server.url`: where people reach the public listener. */
  readonly baseUrl: string;
}

export interface PublicParts {
  readonly settings: () => PublicSettings;
  readonly pages: Pick<Pages, "get" | "changed">;
  readonly store: Pick<Store, "incidents" | "audit" | "commit" | "keys">;
  readonly clock: Clock;
  readonly log: Log;
  readonly practice: boolean;
  readonly health: () => Health;
  /** Called when a notice was written that waits to be sent. */
  readonly onNotice?: () => void;
  /** The reports that the team pages show. */
  readonly reports: Reports;
  /** Hears the jobs that call us. */
  readonly heartbeats?: HeartbeatListener;
  /** Only when the configuration serves metrics on the public listener too. */
  readonly metrics?: Exposition;
}

export type Env = { Bindings: Partial<HttpBindings>; Variables: { member: Contact } };

export async function fail(
  context: Context<Env>,
  parts: PublicParts,
  fault: PageError,
  status: 403 | 404 | 410 | 413 | 429 | 500 | 503,
): Promise<Response> {
  const props = pageProps(context, parts);
  const body = await errorPage(fault, props, parts.settings().organisation.languages);
  const headers = { ...securityHeaders(), "cache-control": "no-store", "content-language": props.language };
  return context.html(body, status, headers);
}

/** What a page for this visitor is rendered with. */
export function pageProps(context: Context<Env>, { settings, practice }: PublicParts): LayoutProps {
  const { organisation } = settings();
  const language = chooseLanguage(context.req.header("accept-language"), organisation.languages);
  return { language, organisation, practice };
}

/** The network the client came from, for the audit log: without the last part of the address, which names the person. */
export function clientNetwork(context: Context<Env>): string {
  const address = context.env?.incoming?.socket.remoteAddress?.replace(/^::ffff:/, "");
  if (address === undefined) return "an unknown address";
  if (address.includes(".")) return address.replace(/\.\d+$/, ".0");
  return `${address.split(":").slice(0, 3).join(":")}::`;
}

/** Writes an act to the audit log. The act stays done when the entry cannot be written. */
export async function audit(parts: PublicParts, entry: AuditEntry): Promise<void> {
  try {
    await parts.store.audit.write(entry);
  } catch (error) {
    parts.log.error("an act could not be written to the audit", { error, who: entry.who, did: entry.did });
  }
}
