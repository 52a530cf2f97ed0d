/**
 * A stand-in for a Castopod: pages, feeds, audio files, accounts, and the older NodeInfo2 it has in place of NodeInfo.
 *
 * Read in the sources of 1.15.5 and 2.0.0-next.4: a monitor sees the same in both but for the version in NodeInfo2 and for the feed,
 * where 2.0 declares its namespaces in another order and leaves out `podcast:medium`, `podcast:episode` and
 * `podcast:season` (plug-ins may add them again); only 1.15 puts OP3 before enclosures, where somebody switched it on. That
 * namespaces stand before `version` is how libxml writes; it is believed, and not seen on a running one.
 */
import {
  type Asked,
  badGateway,
  json,
  page,
  type Reply,
  type Routes,
  type StandIn,
  type StandInSettings,
  startStandIn,
} from "./stand-in.ts";

/** Ways to answer 200 on its home page and be broken. */
export const castopodFaults = [
  "database-gone", // the health page does not ask it, the home page comes from a cache
  "feed-error-page", // somebody's error page with status 200
  "feed-cut-off", // PHP ran out of memory in the middle
  "feed-empty",
  "feed-behind", // kept from before the newest episode
  "base-url", // CP_BASEURL names another host
  "enclosure-missing",
  "bucket-gone",
  "storage-refuses", // its policy lets nobody read
  "media-host-gone", // where CP_MEDIA_BASEURL points, nobody answers
  "enclosure-page", // the media host answers with a web page
  "enclosure-whole", // no part of it is given
  "enclosure-short", // not the file that the feed promises
  "accounts-as-pages", // a cache that does not tell apps from browsers
  "inbox-closed", // a firewall that lets no POST through
  "episode-page-missing",
] as const;
export type CastopodFault = (typeof castopodFaults)[number];

export interface CastopodSettings extends StandInSettings {
  /** Handles of its podcasts. With one, the home page sends on to it. */
  readonly podcasts?: readonly string[];
  readonly version?: "1.15" | "2.0";
  /** The service that counts listeners stands before the addresses of enclosures. */
  readonly counted?: boolean;
  readonly broken?: CastopodFault;
}

const releases = { "1.15": "1.15.5", "2.0": "2.0.0-next.4" } as const;

export function startCastopod(settings: CastopodSettings = {}): Promise<StandIn> {
  return startStandIn((url) => castopodAt(new URL(url), settings), settings);
}

interface Server {
  readonly web: string;
  /** Where it believes to be. */
  readonly base: string;
  readonly host: string;
  readonly podcasts: readonly string[];
  readonly version: keyof typeof releases;
  readonly counted: boolean;
  readonly broken: CastopodFault | undefined;
}

const frame = Uint8Array.from([0xff, 0xfb, 0x90, 0x00, ...new Uint8Array(413)]);
/** Three seconds of silence (MPEG-1 layer 3, 128 kbit/s, 44.1 kHz). */
const audio = Buffer.concat(Array.from({ length: 115 }, () => frame));

/** Nobody listens there. */
const nowhere = "http://127.0.0.1:1";

function castopodAt(url: URL, settings: CastopodSettings): Routes {
  const { podcasts = ["show", "news"], version = "1.15", counted = false, broken } = settings;
  const base = broken === "base-url" ? nowhere : url.origin;
  const server: Server = { web: url.origin, base, host: url.host, podcasts, version, counted, broken };
  return (asked) => {
    if (asked.condition === "stale") return badGateway;
    // Its health page does not really ask the database: the feed does.
    if (asked.condition === "no-database" && asked.url.pathname !== "/health") return { ...badGateway, status: 500 };
    return answer(server, asked);
  };
}

function answer(server: Server, asked: Asked): Reply {
  const { web, podcasts } = server;
  switch (asked.url.pathname) {
    case "/health":
      return json({ code: 200, message: "✨ All good!" });
    case "/":
      return podcasts.length === 1
        ? { status: 302, headers: { location: `${web}/@${podcasts[0]}` } }
        : page("Podcasts (practice)", podcasts.map((handle) => `<a href="${web}/@${handle}">@${handle}</a>`).join(" "));
    case "/.well-known/x-nodeinfo2":
      return json(nodeInfo2(server));
    case "/.well-known/webfinger":
      return webFinger(server, asked.url.searchParams.get("resource"));
    default:
      return podcastPage(server, asked);
  }
}

const notFound: Reply = { ...page("404", "Page not found"), status: 404 };
const serverError: Reply = { ...page("Whoops!", "We seem to have hit a snag."), status: 500 };

function podcastPage(server: Server, asked: Asked): Reply {
  const { url, method } = asked;
  const [, kind, handle, rest = ""] = /^\/(audio\/|media\/podcasts\/)?@?(\w+)(\/.*)?$/.exec(url.pathname) ?? [];
  if (handle === undefined || !server.podcasts.includes(handle)) return notFound;
  if (kind === "audio/") {
    const files = server.broken === "media-host-gone" ? nowhere : server.web;
    return { status: 302, headers: { location: `${files}/media/podcasts/${handle}${rest}` } };
  }
  if (kind === "media/podcasts/") return media(server, asked.headers.range);
  if (rest === "/feed.xml" || rest === "/feed") return feedAnswer(server, handle, asked.now);
  if (rest === "/inbox" && method === "POST") return inbox(server, asked);
  if (rest.startsWith("/episodes/")) return episodePage(server, handle, rest.slice("/episodes/".length));
  if (rest === "/episodes") return episodeList(server, handle);
  return rest === "" ? ownPage(server, handle, asked) : notFound;
}

function ownPage(server: Server, handle: string, { headers }: Asked): Reply {
  const id = `${server.base}/@${handle}`;
  const asActor = headers.accept?.includes("application/activity+json") && server.broken !== "accounts-as-pages";
  if (asActor) return json(actor(id, handle), asActivity);
  return page(`@${handle} (practice)`, `<a href="${id}/episodes">Episodes</a> <a href="${id}/feed.xml">Feed</a>`);
}

const asActivity = { "content-type": "application/activity+json; charset=utf-8" };
const actor = (id: string, handle: string) => ({
  "@context": ["https://www.w3.org/ns/activitystreams"],
  id,
  type: "Person",
  preferredUsername: handle,
  inbox: `${id}/inbox`,
});

/** Without a signature nobody gets in; who does not speak the protocol does not even find it. */
function inbox({ broken }: Server, { headers }: Asked): Reply {
  if (broken === "inbox-closed") return { ...page("403 Forbidden", "nginx"), status: 403 };
  if (!headers.accept?.includes("application/activity+json")) return notFound;
  return { ...json({ message: "Unauthorized" }), status: 401 };
}

const numbers = [3, 2, 1];

function episodeList({ web }: Server, handle: string): Reply {
  const links = numbers.map((number) => `<a href="${web}/@${handle}/episodes/episode-${number}">Episode ${number}</a>`);
  return page(`Episodes of @${handle} (practice)`, links.join(" "));
}

function episodePage({ broken }: Server, handle: string, slug: string): Reply {
  const known = numbers.some((number) => slug === `episode-${number}`);
  return known && broken !== "episode-page-missing" ? page(`${slug} of @${handle} (practice)`, "Listen.") : notFound;
}

function media({ broken }: Server, range: string | undefined): Reply {
  if (broken === "enclosure-missing") return notFound;
  if (broken === "bucket-gone") return noBucket;
  if (broken === "storage-refuses") return accessDenied;
  if (broken === "enclosure-page") return page("Welcome to nginx!", "If you see this page, it works.");
  if (broken === "enclosure-short") return ranged(range, audio.subarray(0, 1000));
  return ranged(broken === "enclosure-whole" ? undefined : range, audio);
}

/** As S3 says it. */
const noBucket: Reply = {
  status: 404,
  headers: { "content-type": "application/xml" },
  body: '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>',
};

const accessDenied: Reply = {
  status: 403,
  headers: { "content-type": "application/xml" },
  body: '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
};

/** Bytes of an audio file, whole or the part asked for. */
function ranged(range: string | undefined, bytes: Uint8Array): Reply {
  const type = { "content-type": "audio/mpeg", "accept-ranges": "bytes" };
  const [, first = "", last = ""] = /^bytes=(\d{1,9})-(\d{0,9})$/.exec(range ?? "") ?? [];
  if (first === "") return { status: 200, headers: type, body: bytes };
  const from = Number(first);
  const to = Math.min(last === "" ? bytes.length - 1 : Number(last), bytes.length - 1);
  if (from > to) return { status: 416, headers: { ...type, "content-range": `bytes */${bytes.length}` } };
  const headers = { ...type, "content-range": `bytes ${from}-${to}/${bytes.length}` };
  return { status: 206, headers, body: bytes.subarray(from, to + 1) };
}

const nodeInfo2 = ({ base, version }: Server) => ({
  version: "1.0",
  server: { baseUrl: `${base}/`, name: "Practice Podcasts", software: "Castopod", version: releases[version] },
  protocols: ["activitypub"],
  openRegistrations: false,
  usage: { users: { total: 3, activeMonth: 1, activeHalfyear: 2 }, localPosts: 40 },
});

function webFinger({ base, host, podcasts }: Server, resource: string | null): Reply {
  const handle = podcasts.find((each) => resource === `acct:${each}@${host}`);
  if (handle === undefined) return { status: 404 };
  const id = `${base}/@${handle}`;
  return json({
    subject: `acct:${handle}@${host}`,
    aliases: [id],
    links: [
      { rel: "self", type: "application/activity+json", href: id },
      { rel: "http://webfinger.net/rel/profile-page", type: "text/html", href: id },
    ],
  });
}

function feedAnswer(server: Server, handle: string, now: Temporal.Instant): Reply {
  const { broken } = server;
  if (broken === "database-gone") return serverError;
  if (broken === "feed-error-page") return page("Oops", "Something went wrong, please come back later.");
  const shown = broken === "feed-empty" ? [] : broken === "feed-behind" ? numbers.slice(1) : numbers;
  const whole = feed(server, handle, shown, now);
  const body = broken === "feed-cut-off" ? whole.slice(0, whole.lastIndexOf("</item>")) : whole;
  return { status: 200, headers: { "content-type": "application/xml; charset=UTF-8" }, body };
}

function feed(server: Server, handle: string, shown: readonly number[], now: Temporal.Instant): string {
  const { base, version } = server;
  const isFirst = version === "1.15";
  const day = (before: number) => dateIn(now.subtract({ hours: 24 * before }));
  const episode = (number: number) => {
    const address = `${base}/@${handle}/episodes/episode-${number}`;
    const file = enclosureAddress(server, `/audio/@${handle}/episode-${number}.mp3`);
    return `<item><title>Episode ${number}</title><enclosure url="${file}" length="${audio.length}" type="audio/mpeg"/><guid>${address}</guid><pubDate>${day(31 - 10 * number)}</pubDate><description><![CDATA[<p>Episode ${number}</p>]]></description><itunes:duration>3</itunes:duration><link>${address}</link><itunes:image href="${base}/media/podcasts/${handle}/cover_feed.png"/><itunes:episode>${number}</itunes:episode><itunes:episodeType>full</itunes:episodeType>${isFirst ? `<podcast:episode>${number}</podcast:episode>` : ""}<podcast:comments uri="${address}/comments" contentType="application/podcast-activity+json"/></item>`;
  };
  const names: readonly (keyof typeof namespaces)[] = isFirst
    ? ["itunes", "podcast", "atom", "content"]
    : ["atom", "itunes", "podcast", "content"];
  const declared = names.map((name) => `xmlns:${name}="${namespaces[name]}"`).join(" ");
  return `<?xml version="1.0" encoding="utf-8"?>
<rss ${declared} version="2.0"><channel><atom:link href="${base}/@${handle}/feed.xml" rel="self" type="application/rss+xml"/><lastBuildDate>${day(1)}</lastBuildDate><generator>Castopod - https://castopod.org/</generator><docs>https://cyber.harvard.edu/rss/rss.html</docs><podcast:guid>${guid}</podcast:guid><title>Practice show</title><description><![CDATA[<p>For practice.</p>]]></description>${isFirst ? "<podcast:medium>podcast</podcast:medium>" : ""}<itunes:image href="${base}/media/podcasts/${handle}/cover_feed.png"/><language>en</language><podcast:locked owner="owner@practice.example">yes</podcast:locked><itunes:explicit>false</itunes:explicit><itunes:author>Practice Co-op</itunes:author><link>${base}/@${handle}</link><itunes:owner><itunes:name>Practice Co-op</itunes:name><itunes:email>owner@practice.example</itunes:email></itunes:owner><itunes:type>episodic</itunes:type>${shown.map(episode).join("")}</channel></rss>
`;
}

const guid = "00000000-0000-5000-8000-000000000000";

const namespaces = {
  atom: "http://www.w3.org/2005/Atom",
  content: "http://purl.org/rss/1.0/modules/content/",
  itunes: "http://www.itunes.com/dtds/podcast-1.0.dtd",
  podcast: "https://podcastindex.org/namespace/1.0",
};

/** As PHP writes it: "Sun, 22 Nov 2026 20:00:00 +0000". */
const dateIn = (instant: Temporal.Instant): string =>
  new Date(instant.epochMilliseconds).toUTCString().replace("GMT", "+0000");

function enclosureAddress({ base, counted }: Server, path: string): string {
  return counted ? `https://op3.dev/e,pg=${guid}/${base}${path}` : `${base}${path}`;
}
