/**
 * Reads a podcast's RSS feed as podcast apps do: is it well-formed, has it its own address, an enclosure for each
 * episode, no date in the future?
 */
import { XMLParser } from "fast-xml-parser";
import { z } from "zod";
import { plainText } from "../../core/plain-text.ts";
import { untrustedUrl } from "../web/untrusted-url.ts";
import { excerptOf, withoutText } from "./feed-excerpt.ts";
import { withUsualNames } from "./feed-namespaces.ts";

/** Enough for the newest episodes where they stand first; a feed of ten years would be many times that, every minute. */
export const feedBytes = 256 * 1024;

export interface Episode {
  /** Plain text of bounded length. */
  readonly title: string;
  /** Its web page, as the feed says. */
  readonly page: string | undefined;
  readonly enclosure: Enclosure | undefined;
  /** Epoch milliseconds. */
  readonly publishedAt: number | undefined;
}

/** What the feed promises about the audio file of an episode. */
export interface Enclosure {
  readonly url: string;
  readonly bytes: number | undefined;
  readonly type: string | undefined;
}

interface FeedFault {
  /** In a few words. */
  readonly said: string;
  /** What apps cannot do with it: load episodes, or show the podcast as it is meant to be. */
  readonly harm: "loading" | "showing";
}

export interface PodcastFeed {
  readonly faults: readonly FeedFault[];
  /** Of a large feed only the first ones and the newest. */
  readonly episodes: readonly Episode[];
  /** Web pages of all of them. */
  readonly pages: readonly string[];
  /** What comes after those that were read is older. */
  readonly newestFirst: boolean;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  processEntities: false,
  maxNestedTags: 30,
});

// An element without attributes is its text; one with them an object that has the text as "#text".
const text = z.union([z.string(), z.object({ "#text": z.string() }).transform((element) => element["#text"])]);
/** Where it stands twice, or as something else, it is as good as missing. */
const perhaps = text.optional().catch(undefined);
const orEmpty = <T extends z.ZodType>(element: T) => z.union([element, z.string().transform(() => element.parse({}))]);
/** None, one or several. */
const each = <T extends z.ZodType>(element: T) =>
  z.union([z.array(orEmpty(element)), orEmpty(element).transform((one) => [one])]).optional();
const Link = z.object({ "@rel": z.string().optional(), "@href": z.string().optional() });
const EnclosureElement = z.object({
  "@url": z.string().optional(),
  "@length": z.string().optional(),
  "@type": z.string().optional(),
});
const Item = z.object({
  title: perhaps,
  link: perhaps,
  pubDate: perhaps,
  enclosure: each(EnclosureElement),
});
const Feed = z.object({
  rss: z.object({
    channel: z.object({
      "atom:link": each(Link),
      "podcast:guid": perhaps,
      item: each(Item),
    }),
  }),
});

/** Clocks differ a little. */
const skewSeconds = 600;
/** Of how many episodes the details are judged, and of how many of a large feed it is looked for which is the newest. */
const [judged, latest] = [20, 5];

/**
 * @param asked its address.
 * @param truncated the document goes on after its last complete episode.
 */
export function readFeed(xml: string, asked: URL, truncated: boolean, now: Temporal.Instant): PodcastFeed {
  const isLarge = truncated || xml.length > feedBytes;
  const excerpt = isLarge ? excerptOf(xml, { first: judged, newest: latest, truncated, now }) : undefined;
  const { document, faults: ofNames } = withUsualNames(parse(excerpt?.xml ?? xml));
  const feed = Feed.safeParse(document).data;
  if (!feed) {
    const unfinished = /^\s*(?:<\?xml[^>]*>\s*)?<rss\b/.test(xml) && !xml.includes("</rss>");
    const said = unfinished ? "ends in the middle" : "is no podcast feed";
    return { faults: [{ said, harm: "loading" }], episodes: [], pages: [], newestFirst: false };
  }
  const { "atom:link": links = [], "podcast:guid": guid, item: items = [] } = feed.rss.channel;
  const itself = links.find((link) => link["@rel"] === "self");
  const episodes = items.map(episodeOf);
  const ofShow = [
    ...selfFaults(itself?.["@href"], asked),
    ...ofNames,
    ...(guid ? [] : ["has no podcast:guid, by which apps know it"]),
  ];
  const ofEpisodes = episodes.slice(0, judged).flatMap((episode) => episodeFaults(episode, now));
  const faults = [
    ...ofEpisodes.map((said): FeedFault => ({ said, harm: "loading" })),
    ...ofShow.map((said): FeedFault => ({ said, harm: "showing" })),
  ];
  return {
    faults: faults.slice(0, 3),
    episodes,
    pages: excerpt?.pages ?? episodes.flatMap(({ page }) => page ?? []),
    newestFirst: excerpt?.newestFirst ?? false,
  };
}

/** The episode that came last, whatever their order: serial podcasts begin with the first. */
export function newestEpisode(episodes: readonly Episode[], now: Temporal.Instant): Episode | undefined {
  const out = episodes.filter(({ publishedAt }) => publishedAt !== undefined && publishedAt <= now.epochMilliseconds);
  return out.toSorted((a, b) => (b.publishedAt ?? 0) - (a.publishedAt ?? 0))[0];
}

function parse(xml: string): unknown {
  // No feed needs a DOCTYPE, and entities declared in it are a known way to exhaust a parser (billion laughs).
  if (/<!DOCTYPE/i.test(withoutText(xml))) return undefined;
  // No feed has so large a head.
  if (xml.length > longestRead) return undefined;
  try {
    return parser.parse(xml, true);
  } catch {
    return undefined; // Not well-formed, or nested deeper than any feed.
  }
}
const longestRead = 8 * feedBytes;

function selfFaults(href: string | undefined, asked: URL): readonly string[] {
  if (href === undefined) return ["does not name its own address"];
  const itself = untrustedUrl(withoutEntities(href), asked);
  // A feed has two addresses, with and without ".xml", and may write its @ as a number.
  const path = (url: URL) => url.pathname.replaceAll("%40", "@").replace(/\.xml$/, "");
  if (itself?.host === asked.host && path(itself) === path(asked)) return [];
  return [`says its address is ${plainText(href, 80)}`];
}

function episodeOf({ title, link, pubDate, enclosure = [] }: z.output<typeof Item>): Episode {
  const isPlayable = ({ "@type": type = "" }: z.output<typeof EnclosureElement>) => playableType.test(type);
  const { "@url": url, "@length": length, "@type": type } = enclosure.find(isPlayable) ?? enclosure[0] ?? {};
  const published = Date.parse(pubDate ?? "");
  return {
    title: plainText(title ?? "", 40) || "untitled",
    page: link === undefined ? undefined : withoutEntities(link),
    enclosure: url
      ? { url: withoutEntities(url), bytes: Number(length) > 0 ? Number(length) : undefined, type }
      : undefined,
    publishedAt: Number.isNaN(published) ? undefined : published,
  };
}

const playableType = /^\s*(?:(?:audio|video)\/|application\/ogg)/i;

function episodeFaults({ title, enclosure, publishedAt }: Episode, now: Temporal.Instant): readonly string[] {
  const name = `"${title}"`;
  if (!enclosure) return [`episode ${name} has no sound`];
  const faults: string[] = [];
  if (enclosure.bytes === undefined) faults.push(`episode ${name} does not say how long its file is`);
  if (!playableType.test(enclosure.type ?? "")) faults.push(`episode ${name} is no sound`);
  if (publishedAt === undefined) faults.push(`episode ${name} has no date`);
  else if (publishedAt > now.epochMilliseconds + skewSeconds * 1000)
    faults.push(`episode ${name} is dated in the future`);
  return faults;
}

/** In addresses no other entity is of use. */
const withoutEntities = (address: string): string => address.trim().replaceAll("&amp;", "&");
