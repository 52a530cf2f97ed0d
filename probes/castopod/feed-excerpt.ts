/** Cuts an RSS feed of some megabytes down to what is judged: its head, its first episodes, and the newest ones. */

/** Where an episode stands in a feed, and what can be seen of it without reading it as XML. */
interface Place {
  readonly from: number;
  readonly to: number;
  /** Epoch milliseconds. */
  readonly publishedAt: number | undefined;
  readonly page: string | undefined;
}

export interface Excerpt {
  /** A feed with the head of the whole one and with some of its episodes. */
  readonly xml: string;
  /** Web pages of all complete episodes. */
  readonly pages: readonly string[];
  /** Each episode is older than the one before it, so that what follows is older, too. */
  readonly newestFirst: boolean;
}

export interface ExcerptWishes {
  /** How many episodes from the beginning. */
  readonly first: number;
  /** How many of those that came out last. */
  readonly newest: number;
  /** The document was cut off: it goes on after its last complete episode. */
  readonly truncated: boolean;
  readonly now: Temporal.Instant;
}

/** An episode with more characters is left out: no show notes are as long. */
const longestEpisode = 64 * 1024;
/** One a day for a quarter of a century; a feed with more is made to cost time. */
const mostEpisodes = 10_000;

/** Takes time in proportion to the length, whatever stands in it. */
export function excerptOf(xml: string, { first, newest, truncated, now }: ExcerptWishes): Excerpt {
  const places = placesOf(xml);
  const short = places.filter(({ from, to }) => to - from <= longestEpisode);
  const out = short.filter(({ publishedAt = Number.POSITIVE_INFINITY }) => publishedAt <= now.epochMilliseconds);
  const last = new Set(out.toSorted((a, b) => (b.publishedAt ?? 0) - (a.publishedAt ?? 0)).slice(0, newest));
  const chosen = short.filter((place, index) => index < first || last.has(place));
  const [head, tail] = [xml.slice(0, places[0]?.from), xml.slice(places.at(-1)?.to ?? xml.length)];
  const items = chosen.map(({ from, to }) => xml.slice(from, to)).join("");
  const isCut = (truncated && places.length > 0) || places.length === mostEpisodes;
  return {
    xml: `${head}${items}${isCut ? "</channel></rss>" : tail}`,
    pages: places.flatMap(({ page }) => page ?? []),
    newestFirst: !/<itunes:type>\s*serial/i.test(head) && isDescending(places),
  };
}

/** Two at least: of one alone nothing can be said. */
function isDescending(places: readonly Place[]): boolean {
  const times = places.map(({ publishedAt }) => publishedAt ?? Number.NaN);
  return times.length > 1 && times.every((time, index) => index === 0 || time <= (times[index - 1] ?? Number.NaN));
}

function placesOf(xml: string): readonly Place[] {
  const places: Place[] = [];
  let begun: number | undefined;
  for (const { from, to } of markupOf(xml)) {
    for (const tag of xml.slice(from, to).matchAll(/<(\/?)item(?=[\s/>])[^<>]{0,1000}>/g)) {
      const [whole, closing] = tag;
      const end = from + tag.index + whole.length;
      if (!closing) begun ??= end - whole.length;
      if (begun !== undefined && (closing || whole.endsWith("/>"))) {
        places.push(placeOf(xml, begun, end));
        begun = undefined;
        if (places.length === mostEpisodes) return places;
      }
    }
  }
  return places;
}

function placeOf(xml: string, from: number, to: number): Place {
  const text = withoutText(xml.slice(from, to));
  const [, written = ""] = /<pubDate>([^<]{1,60})</.exec(text) ?? [];
  const [, page] = /<link>([^<]{1,2000})</.exec(text) ?? [];
  const publishedAt = Date.parse(written.trim());
  return { from, to, publishedAt: Number.isNaN(publishedAt) ? undefined : publishedAt, page };
}

/** The document without comments and literal texts, in which anything may stand. */
export const withoutText = (xml: string): string =>
  [...markupOf(xml)].map(({ from, to }) => xml.slice(from, to)).join("");

function* markupOf(xml: string): Generator<{ readonly from: number; readonly to: number }> {
  const beginning = /<!--|<!\[CDATA\[/g;
  let from = 0;
  for (;;) {
    beginning.lastIndex = from;
    const found = beginning.exec(xml);
    yield { from, to: found?.index ?? xml.length };
    const end = found ? (found[0] === "<!--" ? "-->" : "]]>") : "";
    const at = found ? xml.indexOf(end, beginning.lastIndex) : -1;
    // A comment that never ends reaches to the end of the document.
    if (at < 0) return;
    from = at + end.length;
  }
}
