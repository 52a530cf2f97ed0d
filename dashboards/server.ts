/** Routes and headers of the two listeners, and how they listen. What the pages say is made elsewhere. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Clock } from "../core/clock.ts";
import { Refused } from "../core/errors.ts";
import { beatOf, type HeartbeatListener } from "../core/heartbeat.ts";
import type { Incident } from "../core/incident.ts";
import type { Log } from "../core/log.ts";
import { acknowledgement } from "../core/member-texts.ts";
import type { Contact, Organisation } from "../core/organisation.ts";
import type { Store } from "../core/store.ts";
import type { PageAnswer } from "./encoded-page.ts";
import { privately, securityHeaders } from "./headers.ts";
import { chooseLanguage } from "./negotiate.ts";
import type { Pages } from "./pages.ts";
import type { LayoutProps } from "./parts/layout.ts";
import { contactWithEmail, Doorkeeper, sessionSeconds, signInLink, signInNotice } from "./sign-in.ts";
import { TokenBuckets } from "./token-bucket.ts";
import { acknowledgePage } from "./views/acknowledge.ts";
import { errorPage } from "./views/error.ts";
import { confirmSignInPage, linkSentPage, signInPage, teamPage } from "./views/sign-in.ts";
import type { Fault } from "./words.ts";

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
  readonly store: Pick<Store, "incident" | "acknowledge" | "audit" | "commit" | "signingKey" | "useOnce">;
  readonly clock: Clock;
  readonly log: Log;
  readonly practice: boolean;
  readonly health: () => Health;
  /** Called when a notice was written that waits to be sent. */
  readonly onNotice?: () => void;
  /** The whole page `/team/capacity`, for somebody who is signed in. */
  readonly capacity?: (props: LayoutProps) => Promise<string>;
  /** Hears the jobs that call us. */
  readonly heartbeats?: HeartbeatListener;
  /** Only when the configuration puts them here too. */
  readonly metrics?: Metrics;
}

/** Whether each part of the program moved lately: scheduler, judge, store, outbox. */
type Health = Readonly<Record<string, boolean>>;

/** @param accept what the scraper can read: OpenMetrics when it asks for it. */
type Metrics = (accept: string | undefined) => Promise<{ readonly contentType: string; readonly body: string }>;

type Env = { Bindings: Partial<HttpBindings>; Variables: { member: Contact } };

const largestFormBytes = 16 * 1024;
/** A link to an incident that is over says so for a day. */
const afterwardsHours = 24;

export function publicApp(parts: PublicParts): Hono<Env> {
  const app = new Hono<Env>();
  const page = (context: Context<Env>) => {
    const answer = parts.pages.get(context.req.path, {
      encoding: context.req.header("accept-encoding"),
      language: context.req.header("accept-language"),
      ifNoneMatch: context.req.header("if-none-match"),
    });
    return answer ? new Response(answer.body, answer) : fail(context, parts, "not-found", 404);
  };
  for (const path of ["/", "/en/", "/fr/"]) app.get(path, page);
  for (const path of ["/en", "/fr", "/team"]) app.get(path, (context) => context.redirect(`${path}/`, 308));
  app.get("/robots.txt", (context) => context.text("User-agent: *\nDisallow: /a/\nDisallow: /h/\nDisallow: /team/\n"));
  app.get("/healthz", (context) => healthAnswer(context, parts.health()));
  const { metrics } = parts;
  addHeartbeats(app, parts);
  if (metrics) app.get("/metrics", (context) => metricsAnswer(context, metrics));

  const doorkeeper = new Doorkeeper(parts.store, parts.clock, () => parts.settings().contacts);
  for (const path of ["/a/*", "/team/*"]) {
    app.use(path, privately);
    app.post(
      path,
      fromOurselves(parts),
      bodyLimit({ maxSize: largestFormBytes, onError: (context) => tooLarge(context, parts) }),
    );
  }
  addAcknowledge(app, parts, doorkeeper);
  addSignIn(app, parts, doorkeeper);
  addTeam(app, parts, doorkeeper);
  answerFaults(app, parts);
  return app;
}

/** The exception to "GET never acts": what calls here is a job's curl, at an address that stands in no page or mail. */
function addHeartbeats(app: Hono<Env>, { heartbeats, clock, log }: PublicParts): void {
  if (!heartbeats) return;
  // A job in a loop must not fill the disk with its calls.
  const patience = new TokenBuckets(clock, 30, 2);
  const hear = async (context: Context<Env>) => {
    const say = (text: string, status: 200 | 404 | 429 | 503) =>
      context.text(`${text}\n`, status, { "cache-control": "no-store", connection: "close" });
    const job = heartbeats.recognise(context.req.param("token") ?? "");
    if (!job) return say("Nothing here.", 404);
    const beat = beatOf(context.req.param("word"));
    if (!beat) return say("After the address may come /start, /fail or an exit code from 0 to 255.", 404);
    if (!patience.take(`${job.target}/${job.check}`)) return say("Too many calls. Try again in a minute.", 429);
    try {
      await heartbeats.hear(job, beat, await lastWords(context.req.raw.body));
      return say("OK", 200);
    } catch (error) {
      log.error("the call of a job could not be kept", { error, ...job });
      return say("Could not be kept. Try again in a minute.", 503);
    }
  };
  for (const path of ["/h/:token", "/h/:token/:word"]) app.on(["GET", "POST"], path, hear);
}

const mostHeardBytes = 100 * 1024;
const keptWordsBytes = 4 * 1024;

/** The end of what a job sends along, where it says why it failed; of a flood, what stands at the end of its beginning. */
async function lastWords(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (!body) return "";
  let heard = 0;
  let kept = Buffer.alloc(0);
  for await (const chunk of body) {
    heard += chunk.length;
    kept = Buffer.concat([kept, chunk]).subarray(-keptWordsBytes);
    if (heard > mostHeardBytes) break;
  }
  return kept.toString("utf8");
}

export interface PrivateParts {
  readonly health: () => Health;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function privateApp(parts: PrivateParts): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/healthz", (context) => healthAnswer(context, parts.health()));
  app.get("/metrics", (context) => metricsAnswer(context, parts.metrics));
  app.onError((error, context) => {
    parts.log.error("a request to the private listener failed", { error, path: context.req.path });
    return context.text("Something went wrong; the log says what.\n", 500);
  });
  app.notFound((context) => context.text("Nothing here. Try /metrics or /healthz.\n", 404));
  return app;
}

function addAcknowledge(app: Hono<Env>, parts: PublicParts, doorkeeper: Doorkeeper): void {
  const { store, clock, pages } = parts;
  const find = async (token: string) => {
    const permit = await doorkeeper.acknowledges(token);
    const incident = permit && (await store.incident(permit.incident));
    return incident && !isLongOver(incident, clock.now()) ? { contact: permit.contact, incident } : undefined;
  };
  const show = async (context: Context<Env>, view: Parameters<typeof acknowledgePage>[0]) =>
    context.html(await acknowledgePage(view, visitor(context, parts)));

  app.get("/a/:token", async (context) => {
    const found = await find(context.req.param("token"));
    if (!found) return fail(context, parts, "gone", 410);
    return show(context, { ...found, now: clock.now() });
  });
  app.post("/a/:token", async (context) => {
    const found = await find(context.req.param("token"));
    if (!found) return fail(context, parts, "gone", 410);
    const { contact, incident } = found;
    const now = clock.now();
    const took = await store.acknowledge(
      incident.id,
      contact.name,
      now,
      acknowledgement(now, incident.impact !== "none"),
    );
    if (took) {
      pages.changed();
      const detail = `incident ${incident.id}, by the link sent to ${contact.id}, from ${nearby(context)}`;
      await writeDown(parts, { at: now, who: contact.id, did: "acknowledge", detail });
    }
    if (took) {
      const mine: Incident = { ...incident, state: "acknowledged", by: contact.name, acknowledgedAt: now };
      return show(context, { contact, incident: mine, now, result: "done" });
    }
    const after = (await store.incident(incident.id)) ?? incident;
    return show(context, { contact, incident: after, now, result: standing(after, contact) });
  });
}

function standing(incident: Incident, contact: Contact): "yours" | "taken" | "over" {
  if (incident.state !== "acknowledged") return "over";
  return incident.by === contact.name ? "yours" : "taken";
}

function isLongOver(incident: Incident, now: Temporal.Instant): boolean {
  if (incident.state !== "resolved") return false;
  return Temporal.Instant.compare(incident.resolvedAt.add({ hours: afterwardsHours }), now) < 0;
}

function addSignIn(app: Hono<Env>, parts: PublicParts, doorkeeper: Doorkeeper): void {
  const { store, clock, log } = parts;
  // Enough for a person in a hurry; not enough to fill anybody's mailbox or our outbox.
  const byAddress = new TokenBuckets(clock, 10, 30);
  const byContact = new TokenBuckets(clock, 3, 300);

  app.get("/team/sign-in", async (context) => context.html(await signInPage(visitor(context, parts))));
  app.post("/team/sign-in", async (context) => {
    if (!byAddress.take(nearby(context))) return fail(context, parts, "too-many", 429);
    const email = await emailOf(context);
    const { organisation, contacts, baseUrl } = parts.settings();
    const contact = email === undefined ? undefined : contactWithEmail(contacts, email);
    const props = visitor(context, parts);
    if (contact && byContact.take(contact.id)) {
      const send = async () => {
        const link = await signInLink(store, baseUrl, contact, clock);
        await store.commit({ notices: [signInNotice(link, contact, organisation, props.language, clock.now())] });
        parts.onNotice?.();
      };
      // Not waited for: the time of the answer must not tell who belongs to the team.
      send().catch((error: unknown) => log.error("a sign-in link could not be sent", { contact: contact.id, error }));
    }
    return context.html(await linkSentPage(props));
  });
  app.get("/team/sign-in/:token", async (context) => {
    const contact = await doorkeeper.invites(context.req.param("token"));
    if (!contact) return fail(context, parts, "gone", 410);
    return context.html(await confirmSignInPage(contact.name, visitor(context, parts)));
  });
  app.post("/team/sign-in/:token", async (context) => {
    const admitted = await doorkeeper.admits(context.req.param("token"));
    if (!admitted) return fail(context, parts, "gone", 410);
    const detail = `from ${nearby(context)}`;
    await writeDown(parts, { at: clock.now(), who: admitted.contact.id, did: "sign in", detail });
    const { secure, name } = cookieOf(parts);
    setCookie(context, name, admitted.cookie, {
      path: "/",
      httpOnly: true,
      sameSite: "Lax",
      secure,
      maxAge: sessionSeconds,
    });
    return context.redirect("/team/", 303);
  });
}

/** Nothing when the form is not one of ours or cannot be read. */
async function emailOf(context: Context<Env>): Promise<string | undefined> {
  try {
    const form = await context.req.parseBody();
    return typeof form["email"] === "string" ? form["email"] : undefined;
  } catch {
    return undefined;
  }
}

function addTeam(app: Hono<Env>, parts: PublicParts, doorkeeper: Doorkeeper): void {
  app.use("/team/*", async (context, next) => {
    const { name } = cookieOf(parts);
    const member = await doorkeeper.knows(getCookie(context, name));
    if (!member) return context.redirect("/team/sign-in", 303);
    context.set("member", member);
    await next();
  });
  const props = (context: Context<Env>) => ({ ...visitor(context, parts), signedIn: context.get("member").name });
  const { capacity } = parts;
  app.get("/team/", async (context) => context.html(await teamPage(props(context), capacity ? ["capacity"] : [])));
  if (capacity) app.get("/team/capacity", async (context) => context.html(await capacity(props(context))));
  app.post("/team/sign-out", (context) => {
    const { name, secure } = cookieOf(parts);
    deleteCookie(context, name, { path: "/", secure });
    return context.redirect("/", 303);
  });
}

/** Over https the name itself makes browsers insist on Secure, on the whole path and on this host alone. */
function cookieOf(parts: PublicParts): { readonly name: string; readonly secure: boolean } {
  const secure = parts.settings().baseUrl.startsWith("https:");
  return { name: secure ? "__Host-tidewatch" : "tidewatch", secure };
}

/**
 * Forms count only when they came from a page of ours: at the configured address, or at the one that was asked. Browsers
 * that say where a request comes from are believed; hono's csrf would let some content types pass unasked.
 */
function fromOurselves(parts: PublicParts): MiddlewareHandler<Env> {
  return async (context, next) => {
    const site = context.req.header("sec-fetch-site");
    const trusted = site === undefined ? isOwnOrigin(context, parts) : site === "same-origin";
    if (!trusted) return fail(context, parts, "refused", 403);
    await next();
  };
}

function isOwnOrigin(context: Context<Env>, parts: PublicParts): boolean {
  const origin = URL.parse(context.req.header("origin") ?? "");
  if (!origin) return false;
  return origin.origin === URL.parse(parts.settings().baseUrl)?.origin || origin.host === context.req.header("host");
}

function answerFaults(app: Hono<Env>, parts: PublicParts): void {
  app.notFound((context) => fail(context, parts, "not-found", 404));
  app.onError((error, context) => {
    parts.log.error("a request failed", { error, method: context.req.method, route: routeOf(context.req.path) });
    const acting = context.req.method === "POST";
    return fail(context, parts, acting ? "store" : "accident", acting ? 503 : 500);
  });
}

/** Tokens in addresses stay out of the log. */
function routeOf(path: string): string {
  return path.replace(/^(\/a|\/h|\/team\/sign-in)\/.+/, "$1/…");
}

async function fail(
  context: Context<Env>,
  parts: PublicParts,
  fault: Fault,
  status: 403 | 404 | 410 | 413 | 429 | 500 | 503,
): Promise<Response> {
  const props = visitor(context, parts);
  const body = await errorPage(fault, props, parts.settings().organisation.languages);
  const headers = { ...securityHeaders(), "cache-control": "no-store", "content-language": props.language };
  return context.html(body, status, headers);
}

function tooLarge(context: Context, parts: PublicParts): Promise<Response> {
  return fail(context, parts, "too-large", 413);
}

function visitor(context: Context<Env>, { settings, practice }: PublicParts): LayoutProps {
  const { organisation } = settings();
  const language = chooseLanguage(context.req.header("accept-language"), organisation.languages);
  return { language, organisation, practice };
}

/** The network somebody came from, not the person: the last part of the address is left out. */
function nearby(context: Context<Env>): string {
  const address = context.env?.incoming?.socket.remoteAddress?.replace(/^::ffff:/, "");
  if (address === undefined) return "an unknown address";
  if (address.includes(".")) return address.replace(/\.\d+$/, ".0");
  return `${address.split(":").slice(0, 3).join(":")}::`;
}

/** The act is done and stays done when only the line about it cannot be written. */
async function writeDown(parts: PublicParts, entry: Parameters<Store["audit"]>[0]): Promise<void> {
  try {
    await parts.store.audit(entry);
  } catch (error) {
    parts.log.error("an act could not be written to the audit", { error, who: entry.who, did: entry.did });
  }
}

function healthAnswer(context: Context<Env>, health: Health): Response {
  const ok = Object.values(health).every(Boolean);
  const stuck = Object.keys(health).filter((part) => !health[part]);
  return context.json({ ok, ...(!ok && { stuck }), parts: health }, ok ? 200 : 503, { "cache-control": "no-store" });
}

async function metricsAnswer(context: Context<Env>, metrics: Metrics): Promise<Response> {
  const { contentType, body } = await metrics(context.req.header("accept"));
  return context.body(body, 200, { "content-type": contentType, "cache-control": "no-store" });
}

/** Answers what it knows at once; false when others are to. */
type ShortCut = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * The way that thousands take during an outage: from the socket to the finished page, without the objects that a route
 * of hono gets. The same answers as the routes give.
 */
export function straightToPages(pages: Pick<Pages, "get">): ShortCut {
  return (request, response) => {
    const answer = request.method === "GET" ? finished(pages, request) : undefined;
    if (!answer) return false;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
    return true;
  };
}

function finished(pages: Pick<Pages, "get">, { url = "", headers }: IncomingMessage): PageAnswer | undefined {
  const query = url.indexOf("?");
  try {
    return pages.get(query < 0 ? url : url.slice(0, query), {
      encoding: oneHeader(headers["accept-encoding"]),
      language: headers["accept-language"],
      ifNoneMatch: headers["if-none-match"],
    });
  } catch {
    // The route meets the same error, and tells it.
    return undefined;
  }
}

const oneHeader = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === "object" ? value.join(", ") : value;

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

/** How long requests that are being answered may still take when we stop. */
const closingMilliseconds = 3000;

/**
 * @param at `setting` is the line of the configuration to mend when listening fails, e.g. "server.public".
 * @throws Refused with that line in it
 */
export async function listen(
  app: { readonly fetch: Hono<Env>["fetch"] },
  at: { readonly host: string; readonly port: number; readonly setting?: string },
  shortCut: ShortCut = () => false,
): Promise<Listener> {
  const others = getRequestListener(app.fetch, { hostname: "localhost" });
  const limits = {
    maxHeaderSize: 16 * 1024,
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 20_000,
    connectionsCheckingInterval: 5_000,
  };
  const server = createServer(limits, (request, response) => {
    if (!shortCut(request, response)) void others(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(refusal(error, at)));
    server.listen({ host: at.host, port: at.port, backlog: 1024 }, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : at.port;
  return { port, [Symbol.asyncDispose]: () => close(server) };
}

function refusal(
  error: Error,
  { host, port, setting = "server.public or server.private" }: Parameters<typeof listen>[1],
): Error {
  const code = "code" in error ? error.code : undefined;
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (code === "EADDRINUSE") {
    return new Refused(
      `Something else already listens on ${where}.`,
      `Stop it, or choose another port with ${setting} in the configuration. "ss -ltnp" shows who listens where.`,
    );
  }
  if (code === "EACCES") {
    return new Refused(
      `This user may not listen on ${where}.`,
      `Choose a port above 1023 with ${setting}, and let a web server in front forward to it.`,
    );
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return new Refused(
      `${host} is not an address of this machine.`,
      `Set ${setting} to 0.0.0.0:${port} (everywhere), 127.0.0.1:${port} (this machine only) or an address from "ip addr".`,
    );
  }
  return error;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), closingMilliseconds);
  await closed;
  clearTimeout(deadline);
}
