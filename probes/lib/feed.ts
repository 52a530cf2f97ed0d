/** A podcast's feed as podcast apps need it: well-formed, its own address, episodes with sound, dates that have come. */
import { XMLParser } from "fast-xml-parser";
import { z } from "zod";
import { plainText } from "../../core/plain-text.ts";

/** Enough for the newest episodes, which stand first; a feed of ten years would be many times that, every minute. */
export const feedBytes = 256 * 1024;

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
const orEmpty = <T extends z.ZodType>(element: T) => z.union([element, z.string().transform(() => element.parse({}))]);
const Link = z.object({ "@rel": z.string().optional(), "@href": z.string().optional() });
const Enclosure = z.object({
  "@url": z.string().optional(),
  "@length": z.string().optional(),
  "@type": z.string().optional(),
});
const Item = z.object({
  title: text.optional(),
  pubDate: text.optional(),
  enclosure: z.array(orEmpty(Enclosure)).optional(),
});
type Item = z.output<typeof Item>;
const Feed = z.object({
  rss: z.object({
    channel: z.object({
      "atom:link": z.array(orEmpty(Link)).optional(),
      item: z.array(orEmpty(Item)).optional(),
    }),
  }),
});

/** Clocks differ a little. */
const skewSeconds = 600;

/**
 * What is wrong with a feed, each in a few words.
 * @param asked its address.
 * @param truncated the document goes on after its last complete episode.
 */
export function feedFaults(xml: string, asked: URL, truncated: boolean, now: Temporal.Instant): readonly string[] {
  const feed = parseFeed(truncated ? completed(xml) : xml);
  if (!feed) return ["is no podcast feed"];
  const { "atom:link": links = [], item: items = [] } = feed.rss.channel;
  const itself = links.find((link) => link["@rel"] === "self");
  const faults = [
    ...selfFaults(itself?.["@href"], asked),
    ...(items.length === 0 ? ["has no episode"] : []),
    ...items.slice(0, 20).flatMap((item) => episodeFaults(item, now)),
  ];
  return faults.slice(0, 3);
}

function parseFeed(xml: string): z.output<typeof Feed> | undefined {
  // No feed needs one, and what it may declare is a known way to make a parser work for nothing.
  if (/<!DOCTYPE/i.test(xml)) return undefined;
  try {
    return Feed.safeParse(parser.parse(xml, true)).data;
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
  const itself = URL.parse(href.replaceAll("&amp;", "&"));
  // A feed has two addresses, with and without ".xml".
  const path = (url: URL) => url.pathname.replace(/\.xml$/, "");
  if (itself?.host === asked.host && path(itself) === path(asked)) return [];
  return [`says its address is ${plainText(href, 80)}`];
}

function episodeFaults({ title, pubDate, enclosure = [] }: Item, now: Temporal.Instant): readonly string[] {
  const name = `"${plainText(title ?? "untitled", 40)}"`;
  const sound = enclosure[0];
  if (!sound?.["@url"]) return [`episode ${name} has no sound`];
  const faults: string[] = [];
  if (!(Number(sound["@length"]) > 0)) faults.push(`episode ${name} does not say how long its file is`);
  if (!/^(?:audio|video)\//i.test(sound["@type"] ?? "")) faults.push(`episode ${name} is no sound`);
  const published = Date.parse(pubDate ?? "");
  if (Number.isNaN(published)) faults.push(`episode ${name} has no date`);
  else if (published > now.epochMilliseconds + skewSeconds * 1000)
    faults.push(`episode ${name} is dated in the future`);
  return faults;
}
