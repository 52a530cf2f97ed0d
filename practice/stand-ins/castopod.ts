/** Plays a Castopod with one podcast: pages, feed, sound, and the older NodeInfo2 it has in place of NodeInfo. */
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

export interface CastopodSettings extends StandInSettings {
  /** Handles of its podcasts. With one, the home page sends on to it. */
  readonly podcasts?: readonly string[];
}

export function startCastopod(settings: CastopodSettings = {}): Promise<StandIn> {
  return startStandIn((url) => castopodAt(new URL(url), settings.podcasts ?? ["show", "news"]), settings);
}

interface Server {
  readonly web: string;
  readonly host: string;
  readonly podcasts: readonly string[];
}

const frame = Uint8Array.from([0xff, 0xfb, 0x90, 0x00, ...new Uint8Array(413)]);
/** Three seconds of silence (MPEG-1 layer 3, 128 kbit/s, 44.1 kHz). */
const sound = Buffer.concat(Array.from({ length: 115 }, () => frame));

function castopodAt(url: URL, podcasts: readonly string[]): Routes {
  const server: Server = { web: url.origin, host: url.host, podcasts };
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
      return json(nodeInfo2(web));
    case "/.well-known/webfinger":
      return webFinger(server, asked.url.searchParams.get("resource"));
    default:
      return podcastPage(server, asked);
  }
}

const notFound: Reply = { ...page("404", "Page not found"), status: 404 };

function podcastPage({ web, podcasts }: Server, { url, headers, now }: Asked): Reply {
  const [, kind, handle, rest = ""] = /^\/(audio\/|media\/podcasts\/)?@?(\w+)(\/.*)?$/.exec(url.pathname) ?? [];
  if (handle === undefined || !podcasts.includes(handle)) return notFound;
  if (kind === "audio/") return { status: 302, headers: { location: `${web}/media/podcasts/${handle}${rest}` } };
  if (kind === "media/podcasts/") return ranged(headers.range);
  if (rest === "/feed.xml" || rest === "/feed") {
    return { status: 200, headers: { "content-type": "application/xml; charset=UTF-8" }, body: feed(web, handle, now) };
  }
  if (rest !== "" && rest !== "/episodes") return notFound;
  const id = `${web}/@${handle}`;
  if (headers.accept?.includes("application/activity+json")) return json(actor(id, handle), asActivity);
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

/** Bytes of the sound, whole or the part asked for. */
function ranged(range: string | undefined): Reply {
  const type = { "content-type": "audio/mpeg", "accept-ranges": "bytes" };
  const [, first = "", last = ""] = /^bytes=(\d{1,9})-(\d{0,9})$/.exec(range ?? "") ?? [];
  if (first === "") return { status: 200, headers: type, body: sound };
  const from = Number(first);
  const to = Math.min(last === "" ? sound.length - 1 : Number(last), sound.length - 1);
  if (from > to) return { status: 416, headers: { ...type, "content-range": `bytes */${sound.length}` } };
  const headers = { ...type, "content-range": `bytes ${from}-${to}/${sound.length}` };
  return { status: 206, headers, body: sound.subarray(from, to + 1) };
}

const nodeInfo2 = (web: string) => ({
  version: "1.0",
  server: { baseUrl: `${web}/`, name: "Practice Podcasts", software: "Castopod", version: "1.15.5" },
  protocols: ["activitypub"],
  openRegistrations: false,
  usage: { users: { total: 3, activeMonth: 1, activeHalfyear: 2 }, localPosts: 40 },
});

function webFinger({ web, host, podcasts }: Server, resource: string | null): Reply {
  const handle = podcasts.find((each) => resource === `acct:${each}@${host}`);
  if (handle === undefined) return { status: 404 };
  const id = `${web}/@${handle}`;
  return json({
    subject: `acct:${handle}@${host}`,
    aliases: [id],
    links: [
      { rel: "self", type: "application/activity+json", href: id },
      { rel: "http://webfinger.net/rel/profile-page", type: "text/html", href: id },
    ],
  });
}

function feed(web: string, handle: string, now: Temporal.Instant): string {
  const day = (before: number) => new Date(now.epochMilliseconds - before * 86_400_000).toUTCString();
  const episode = (number: number) => {
    const address = `${web}/@${handle}/episodes/episode-${number}`;
    const file = `${web}/audio/@${handle}/episode-${number}.mp3`;
    return `<item><title>Episode ${number}</title><enclosure url="${file}" length="${sound.length}" type="audio/mpeg"/><guid>${address}</guid><pubDate>${day(31 - 10 * number)}</pubDate><itunes:duration>3</itunes:duration><link>${address}</link><itunes:episode>${number}</itunes:episode><itunes:episodeType>full</itunes:episodeType></item>`;
  };
  return `<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<atom:link href="${web}/@${handle}/feed.xml" rel="self" type="application/rss+xml"/>
<lastBuildDate>${day(1)}</lastBuildDate><generator>Castopod - https://castopod.org/</generator><docs>https://cyber.harvard.edu/rss/rss.html</docs>
<podcast:guid>00000000-0000-5000-8000-000000000000</podcast:guid><title>Practice show</title><language>en</language><podcast:locked owner="owner@practice.example">yes</podcast:locked><itunes:author>Practice Co-op</itunes:author><link>${web}/@${handle}</link>
${[3, 2, 1].map(episode).join("\n")}
</channel></rss>
`;
}
