/**
 * Detects which software runs at an address, for `init`: NodeInfo first, then what only that software has, then feed or
 * page.
 */
import { z } from "zod";
import { openHttp } from "../collector/network/http-client.ts";
import { Unreachable } from "../core/errors.ts";
import { plainText } from "../core/plain-text.ts";
import type { Http, HttpAnswer } from "../core/probe.ts";
import { sameOriginUrl } from "../probes/web/untrusted-url.ts";

/** What was found. Names and versions come from strangers and are plain text of bounded length. */
export type Found =
  | {
      readonly what: "software";
      /** Small letters, as in NodeInfo: "mastodon", "castopod", "lemmy". */
      readonly software: string;
      readonly version?: string | undefined;
      readonly title?: string | undefined;
      readonly url: string;
    }
  | { readonly what: "feed"; readonly title?: string | undefined; readonly url: string }
  /** It answers, but says nothing about itself that we know. */
  | { readonly what: "page"; readonly title?: string | undefined; readonly url: string }
  | { readonly what: "nothing"; readonly reason: string };

/** For one question, and for all about one address. */
const patience = { question: 10_000, address: 40_000 };

/** Asks as somebody who was started by a person: a few questions, each within its own time. */
export function detectSoftware(
  address: URL,
  { signal, version }: { readonly signal: AbortSignal; readonly version: string },
): Promise<Found> {
  const client = openHttp({ userAgent: `Tidewatch/${version} (init, started by a person)` });
  const whole = AbortSignal.any([signal, AbortSignal.timeout(patience.address)]);
  const http: Http = {
    get: (url, request) =>
      client.forRun(AbortSignal.any([whole, AbortSignal.timeout(patience.question)])).get(url, request),
  };
  return whatAnswers(address, http);
}

async function whatAnswers(address: URL, http: Http): Promise<Found> {
  // A feed is told by its own address; what serves it would be found at the same host.
  const own = await orUnreachable(() =>
    http.get(address, { followRedirects: 5, maxBodyBytes: 512_000, headers: { accept: "*/*" } }),
  );
  if (own instanceof Unreachable && ["resolve", "connect", "tls"].includes(own.stage)) return silent(own);
  const feed = own instanceof Unreachable ? undefined : asFeed(own, address);
  if (feed) return feed;
  for (const ask of [nodeInfo, nodeInfo2, instance, lemmy, discourse, cloudron]) {
    const found = await orUnreachable(() => ask(new URL("/", address), http));
    // One document that does not come says nothing about the others.
    if (found && !(found instanceof Unreachable)) return found;
  }
  return own instanceof Unreachable ? silent(own) : (generated(own) ?? asPage(own, address));
}

/** A Discourse for members only names itself in its page, and nowhere else. */
function generated(answer: HttpAnswer): Found | undefined {
  if (answer.status !== 200) return undefined;
  const page = answer.text().slice(0, 100_000);
  const [tag] = /<meta\s+name="generator"\s+content="Discourse [^">]{1,200}"/i.exec(page) ?? [];
  const version = tag === undefined ? undefined : /Discourse ([\w.+-]{1,40})/.exec(tag)?.[1];
  return version === undefined ? undefined : found("discourse", version, titleOf(page), answer.url);
}

function titleOf(page: string): string | undefined {
  const title = /<title[^>]*>([^<]{1,300})/i.exec(page)?.[1];
  return title && (plainText(title, 60) || undefined);
}

const silent = (failure: Unreachable): Found => ({ what: "nothing", reason: plainText(failure.message, 200) });

async function orUnreachable<T>(ask: () => Promise<T>): Promise<T | Unreachable> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Unreachable) return error;
    throw error;
  }
}

const fromStrangers = (length: number) =>
  z
    .string()
    .transform((text) => plainText(text, length) || undefined)
    .optional()
    .catch(undefined);

const softwareName = z
  .string()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9 ._-]{0,39}$/);

const Discovery = z.object({ links: z.array(z.object({ rel: z.string(), href: z.string() })).max(20) });
const NodeInfo = z.object({
  software: z.object({ name: softwareName, version: fromStrangers(40) }),
  metadata: z.object({ nodeName: fromStrangers(60) }).catch({ nodeName: undefined }),
});

async function nodeInfo(site: URL, http: Http): Promise<Found | undefined> {
  const discovery = await document(new URL("/.well-known/nodeinfo", site), http, Discovery);
  const link = discovery?.content.links
    .filter(({ rel }) => /\/ns\/schema\/[12]\.\d$/.test(rel))
    .toSorted((a, b) => a.rel.localeCompare(b.rel))
    .at(-1);
  // Another host that a stranger's document names could be one inside our own network.
  const href = link && discovery ? sameOriginUrl(link.href, discovery.url) : undefined;
  if (!href) return undefined;
  const told = await document(href, http, NodeInfo);
  if (!told) return undefined;
  const { software, metadata } = told.content;
  return found(software.name, software.version, metadata.nodeName, href);
}

const NodeInfo2 = z.object({
  server: z.object({ software: softwareName, version: fromStrangers(40), name: fromStrangers(60) }),
});

/** The older form, the only one that Castopod has. */
async function nodeInfo2(site: URL, http: Http): Promise<Found | undefined> {
  const told = await document(new URL("/.well-known/x-nodeinfo2", site), http, NodeInfo2);
  return told && found(told.content.server.software, told.content.server.version, told.content.server.name, told.url);
}

const Instance = z.object({ version: z.string().max(200), title: fromStrangers(60) });

/** Mastodon's own document, which Pixelfed and others have too and then name themselves in the version. */
async function instance(site: URL, http: Http): Promise<Found | undefined> {
  for (const path of ["/api/v2/instance", "/api/v1/instance"]) {
    const told = await document(new URL(path, site), http, Instance);
    if (!told) continue;
    const { version, title } = told.content;
    const [, other, itsVersion] = /\(compatible; ([\w-]+) ([^)]+)\)/.exec(version) ?? [];
    const software = other?.toLowerCase() ?? "mastodon";
    return found(software, plainText(itsVersion ?? version, 40), title, told.url);
  }
  return undefined;
}

/** Version 1.0 may have only the newer address of the same document. */
const LemmySite = z.object({
  site_view: z.object({ site: z.object({ name: fromStrangers(60) }) }),
  version: fromStrangers(40),
});

async function lemmy(site: URL, http: Http): Promise<Found | undefined> {
  for (const path of ["/api/v3/site", "/api/v4/site"]) {
    const told = await document(new URL(path, site), http, LemmySite);
    if (told) return found("lemmy", told.content.version, told.content.site_view.site.name, told.url);
  }
  return undefined;
}

// A forum may hide its version; what else is only Discourse's own tells it then.
const DiscourseAbout = z.object({
  about: z
    .object({ title: fromStrangers(60), version: fromStrangers(40), stats: z.looseObject({}).optional() })
    .refine(({ version, stats }) => version !== undefined || stats !== undefined),
});

async function discourse(site: URL, http: Http): Promise<Found | undefined> {
  const told = await document(new URL("/about.json", site), http, DiscourseAbout);
  return told && found("discourse", told.content.about.version, told.content.about.title, told.url);
}

// The address is Cloudron's own. What else stands in its answer differs from version to version.
const CloudronStatus = z.object({
  version: z.string().regex(/^\d+\.\d+[\w.+-]{0,30}$/),
  cloudronName: fromStrangers(60),
});

async function cloudron(site: URL, http: Http): Promise<Found | undefined> {
  const told = await document(new URL("/api/v1/cloudron/status", site), http, CloudronStatus);
  return told && found("cloudron", told.content.version, told.content.cloudronName, told.url);
}

function found(software: string, version: string | undefined, title: string | undefined, at: URL): Found {
  return { what: "software", software, version, title, url: at.origin };
}

interface Told<T> {
  readonly content: T;
  /** Where it came from in the end. */
  readonly url: URL;
}

async function document<T>(url: URL, http: Http, shape: z.ZodType<T>): Promise<Told<T> | undefined> {
  const answer = await http.get(url, {
    followRedirects: 3,
    maxBodyBytes: 512_000,
    headers: { accept: "application/json" },
  });
  const content = answer.status === 200 ? answer.json(shape) : undefined;
  return content === undefined ? undefined : { content, url: answer.url };
}

/** RSS with something to hear in it. It may be longer than what we read of it. */
function asFeed(answer: HttpAnswer, address: URL): Found | undefined {
  if (answer.status !== 200) return undefined;
  const text = answer.text().slice(0, 300_000);
  if (!/^\s*(?:<\?xml[^>]*>\s*)?(?:<[?!][^>]*>\s*)*<rss\b/i.test(text)) return undefined;
  const title = /<channel\b[^>]*>[\s\S]*?<title>\s*(?:<!\[CDATA\[)?([^<\]]{1,300})/i.exec(text)?.[1];
  return { what: "feed", title: title && (plainText(title, 60) || undefined), url: address.href };
}

function asPage(answer: HttpAnswer, address: URL): Found {
  if (answer.status !== 200) return { what: "nothing", reason: `answered ${answer.status}` };
  return { what: "page", title: titleOf(answer.text().slice(0, 100_000)), url: address.href };
}
