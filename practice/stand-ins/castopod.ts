/** Plays a Castopod: pages, feeds, sound, accounts, and the older NodeInfo2 it has in place of NodeInfo. */
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
  "sound-missing",
  "bucket-gone",
  "sound-page", // the media host answers with a web page
  "sound-whole", // no part of it is given
  "sound-short", // not the file that the feed promises
  "accounts-as-pages", // a cache that does not tell apps from browsers
  "inbox-closed", // a firewall that lets no POST through
  "episode-page-missing",
] as const;
export type CastopodFault = (typeof castopodFaults)[number];

export interface CastopodSettings extends StandInSettings {
  /** Handles of its podcasts. With one, the home page sends on to it. */
  readonly podcasts?: readonly string[];
  readonly version?: "1.15" | "2.0";
  readonly broken?: CastopodFault;
}

const releases = { "1.15": "1.15.5", "2.0": "2.0.0-next.3" } as const;

export function startCastopod(settings: CastopodSettings = {}): Promise<StandIn> {
  return startStandIn((url) => castopodAt(new URL(url), settings), settings);
}

interface Server {
  readonly web: string;
  /** Where it believes to be. */
  readonly base: string;
  readonly host: string;
  readonly podcasts: readonly string[];
  readonly release: string;
  readonly broken: CastopodFault | undefined;
}

const frame = Uint8Array.from([0xff, 0xfb, 0x90, 0x00, ...new Uint8Array(413)]);
/** Three seconds of silence (MPEG-1 layer 3, 128 kbit/s, 44.1 kHz). */
const sound = Buffer.concat(Array.from({ length: 115 }, () => frame));

function castopodAt(url: URL, { podcasts = ["show", "news"], version = "1.15", broken }: CastopodSettings): Routes {
  const base = broken === "base-url" ? "http://localhost" : url.origin;
  const server: Server = { web: url.origin, base, host: url.host, podcasts, release: releases[version], broken };
  return (asked) => {
    if (asked.mood === "stale") return badGateway;
    // Its health page does not really ask the database: the feed does.
    if (asked.mood === "no-database" && asked.url.pathname !== "/health") return { ...badGateway, status: 500 };
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
  if (kind === "audio/") return { status: 302, headers: { location: `${server.web}/media/podcasts/${handle}${rest}` } };
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
  if (broken === "sound-missing") return notFound;
  if (broken === "bucket-gone") return noBucket;
  if (broken === "sound-page") return page("Welcome to nginx!", "If you see this page, it works.");
  if (broken === "sound-short") return ranged(range, sound.subarray(0, 1000));
  return ranged(broken === "sound-whole" ? undefined : range, sound);
}

/** As S3 says it. */
const noBucket: Reply = {
  status: 404,
  headers: { "content-type": "application/xml" },
  body: '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>',
};

/** Bytes of a sound, whole or the part asked for. */
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

const nodeInfo2 = ({ base, release }: Server) => ({
  version: "1.0",
  server: { baseUrl: `${base}/`, name: "Practice Podcasts", software: "Castopod", version: release },
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

function feed({ base }: Server, handle: string, shown: readonly number[], now: Temporal.Instant): string {
  const day = (before: number) => new Date(now.epochMilliseconds - before * 86_400_000).toUTCString();
  const episode = (number: number) => {
    const address = `${base}/@${handle}/episodes/episode-${number}`;
    const file = `${base}/audio/@${handle}/episode-${number}.mp3`;
    return `<item><title>Episode ${number}</title><enclosure url="${file}" length="${sound.length}" type="audio/mpeg"/><guid>${address}</guid><pubDate>${day(31 - 10 * number)}</pubDate><itunes:duration>3</itunes:duration><link>${address}</link><itunes:episode>${number}</itunes:episode><itunes:episodeType>full</itunes:episodeType></item>`;
  };
  return `<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<atom:link href="${base}/@${handle}/feed.xml" rel="self" type="application/rss+xml"/>
<lastBuildDate>${day(1)}</lastBuildDate><generator>Castopod - https://castopod.org/</generator><docs>https://cyber.harvard.edu/rss/rss.html</docs>
<podcast:guid>00000000-0000-5000-8000-000000000000</podcast:guid><title>Practice show</title><language>en</language><podcast:locked owner="owner@practice.example">yes</podcast:locked><itunes:author>Practice Co-op</itunes:author><link>${base}/@${handle}</link>
${shown.map(episode).join("\n")}
</channel></rss>
`;
}
