/** A podcast's feed as podcast apps need it: well-formed, its own address, episodes with sound, dates that have come. */
import { XMLParser } from "fast-xml-parser";
import { z } from "zod";
import { plainText } from "../../core/plain-text.ts";

/** Enough for the newest episodes, which stand first; a feed of ten years would be many times that, every minute. */
export const feedBytes = 256 * 1024;

export interface Episode {
  /** Plain text of bounded length. */
  readonly title: string;
  /** Its web page, as the feed says. */
  readonly page: string | undefined;
  readonly sound: Sound | undefined;
  /** Epoch milliseconds. */
  readonly publishedAt: number | undefined;
}

/** What the feed promises about a file. */
export interface Sound {
  readonly url: string;
  readonly bytes: number | undefined;
  readonly type: string | undefined;
}

export interface PodcastFeed {
  /** What is wrong with it, each in a few words. */
  readonly faults: readonly string[];
  readonly episodes: readonly Episode[];
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  processEntities: false,
  maxNestedTags: 30,
  isArray: (name) => name === "item" || name === "atom:link" || name === "enclosure",
});

// An element without attributes is its text; one with them an object that has the text as "#text".
const text = z.union([z.string(), z.object({ "#text": z.string() }).transform((element) => element["#text"])]);
/** Where it stands twice, or as something else, it is as good as missing. */
const perhaps = text.optional().catch(undefined);
const orEmpty = <T extends z.ZodType>(element: T) => z.union([element, z.string().transform(() => element.parse({}))]);
const Link = z.object({ "@rel": z.string().optional(), "@href": z.string().optional() });
const Enclosure = z.object({
  "@url": z.string().optional(),
  "@length": z.string().optional(),
  "@type": z.string().optional(),
});
const Item = z.object({
  title: perhaps,
  link: perhaps,
  pubDate: perhaps,
  enclosure: z.array(orEmpty(Enclosure)).optional(),
});
const Feed = z.object({
  rss: z.object({
    channel: z.object({
      "atom:link": z.array(orEmpty(Link)).optional(),
      "podcast:guid": perhaps,
      item: z.array(orEmpty(Item)).optional(),
    }),
  }),
});

/** Clocks differ a little. */
const skewSeconds = 600;
/** Of how many episodes the details are judged. */
const judged = 20;

/**
 * @param asked its address.
 * @param truncated the document goes on after its last complete episode.
 */
export function readFeed(xml: string, asked: URL, truncated: boolean, now: Temporal.Instant): PodcastFeed {
  const document = parse(truncated ? completed(xml) : xml);
  const feed = Feed.safeParse(document).data;
  if (!feed) {
    const unfinished = /^\s*(?:<\?xml[^>]*>\s*)?<rss\b/.test(xml) && !xml.includes("</rss>");
    return { faults: [unfinished ? "ends in the middle" : "is no podcast feed"], episodes: [] };
  }
  const { "atom:link": links = [], "podcast:guid": guid, item: items = [] } = feed.rss.channel;
  const itself = links.find((link) => link["@rel"] === "self");
  const episodes = items.map(episodeOf);
  const faults = [
    ...selfFaults(itself?.["@href"], asked),
    ...namespaceFaults(document),
    ...(guid ? [] : ["has no podcast:guid, by which apps know it"]),
    ...(episodes.length === 0 ? ["has no episode"] : []),
    ...episodes.slice(0, judged).flatMap((episode) => episodeFaults(episode, now)),
  ];
  return { faults: faults.slice(0, 3), episodes };
}

/** The episode that came last, whatever their order: serial podcasts begin with the first. */
export function newestEpisode(episodes: readonly Episode[], now: Temporal.Instant): Episode | undefined {
  const out = episodes.filter(({ publishedAt }) => publishedAt !== undefined && publishedAt <= now.epochMilliseconds);
  return out.toSorted((a, b) => (b.publishedAt ?? 0) - (a.publishedAt ?? 0))[0];
}

function parse(xml: string): unknown {
  // No feed needs one, and what it may declare is a known way to make a parser work for nothing.
  if (/<!DOCTYPE/i.test(xml)) return undefined;
  try {
    return parser.parse(xml, true);
  } catch {
    return undefined; // Not well-formed, or nested deeper than any feed.
  }
}

/** A feed that was cut off, up to its last complete episode. */
function completed(xml: string): string {
  const end = xml.lastIndexOf("</item>");
  return end < 0 ? xml : `${xml.slice(0, end)}</item></channel></rss>`;
}

function selfFaults(href: string | undefined, asked: URL): readonly string[] {
  if (href === undefined) return ["does not name its own address"];
  const itself = URL.parse(withoutEntities(href));
  // A feed has two addresses, with and without ".xml".
  const path = (url: URL) => url.pathname.replace(/\.xml$/, "");
  if (itself?.host === asked.host && path(itself) === path(asked)) return [];
  return [`says its address is ${plainText(href, 80)}`];
}

/** What podcast apps understand by these prefixes; the second one of `podcast` is older. */
const namespaces: Readonly<Record<string, readonly string[]>> = {
  itunes: ["http://www.itunes.com/dtds/podcast-1.0.dtd"],
  podcast: [
    "https://podcastindex.org/namespace/1.0",
    "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md",
  ],
};

/** Apps that take XML at its word drop the feed, or all elements with this prefix. */
function namespaceFaults(document: unknown): readonly string[] {
  const { used, declared } = prefixes(document);
  const undeclared = [...used].filter((prefix) => !declared.has(prefix));
  const strange = Object.entries(namespaces).filter(([prefix, meanings]) => {
    const meant = declared.get(prefix);
    return used.has(prefix) && meant !== undefined && !meanings.includes(meant);
  });
  return [
    ...undeclared.slice(0, 1).map((prefix) => `uses ${plainText(prefix, 30)}: without declaring it`),
    ...strange.slice(0, 1).map(([prefix]) => `declares ${prefix}: as something else than podcast apps know`),
  ];
}

function prefixes(document: unknown) {
  const used = new Set<string>();
  const declared = new Map([["xml", ""]]);
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [name, value] of Object.entries(node)) {
      const [prefix, local] = name.replace(/^[@?]/, "").split(":", 2);
      if (prefix === "xmlns" && local !== undefined) declared.set(local, String(value));
      else if (prefix !== undefined && local !== undefined) used.add(prefix);
      visit(value);
    }
  };
  visit(document);
  return { used, declared };
}

function episodeOf({ title, link, pubDate, enclosure = [] }: z.output<typeof Item>): Episode {
  const { "@url": url, "@length": length, "@type": type } = enclosure[0] ?? {};
  const published = Date.parse(pubDate ?? "");
  return {
    title: plainText(title ?? "", 40) || "untitled",
    page: link === undefined ? undefined : withoutEntities(link),
    sound: url
      ? { url: withoutEntities(url), bytes: Number(length) > 0 ? Number(length) : undefined, type }
      : undefined,
    publishedAt: Number.isNaN(published) ? undefined : published,
  };
}

function episodeFaults({ title, sound, publishedAt }: Episode, now: Temporal.Instant): readonly string[] {
  const name = `"${title}"`;
  if (!sound) return [`episode ${name} has no sound`];
  const faults: string[] = [];
  if (sound.bytes === undefined) faults.push(`episode ${name} does not say how long its file is`);
  if (!/^(?:audio|video)\//i.test(sound.type ?? "")) faults.push(`episode ${name} is no sound`);
  if (publishedAt === undefined) faults.push(`episode ${name} has no date`);
  else if (publishedAt > now.epochMilliseconds + skewSeconds * 1000)
    faults.push(`episode ${name} is dated in the future`);
  return faults;
}

/** In addresses no other entity is of use. */
const withoutEntities = (address: string): string => address.trim().replaceAll("&amp;", "&");
