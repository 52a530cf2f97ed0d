/**
 * The newest entry of an Atom feed. Nothing is parsed as XML: for a while, between its versions 0.11.4 and 0.11.5,
 * Pixelfed wrote an element that never ended, and servers run what lies between versions.
 */

export interface AtomFeed {
  /** Epoch milliseconds of the newest entry. */
  readonly newestAt: number | undefined;
  /** Addresses of the pictures of the newest entry. */
  readonly pictures: readonly string[];
}

/** Undefined when it is no Atom feed. */
export function readAtom(text: string): AtomFeed | undefined {
  if (!/^\s*(?:<\?xml[^>]*>\s*)?<feed\b/.test(text)) return undefined;
  const entries = text
    .split(/<entry(?:\s[^<>]{0,1000})?>/)
    .slice(1, 101)
    .flatMap((entry) => {
      const [, written = ""] = /<updated>([^<]{1,60})<\/updated>/.exec(entry) ?? [];
      const at = Date.parse(written.trim());
      return Number.isNaN(at) ? [] : [{ at, entry }];
    });
  const newest = entries.toSorted((a, b) => b.at - a.at)[0];
  const found = newest?.entry.matchAll(/<img\b[^>]{0,500}?\ssrc="([^"]{1,2000})"/g).take(4) ?? [];
  return {
    newestAt: newest?.at,
    pictures: [...found].flatMap(([, address]) => address?.replaceAll("&amp;", "&") ?? []),
  };
}
