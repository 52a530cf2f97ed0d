/** XML namespaces of a feed: gives elements the usual prefixes (itunes:, podcast:), whatever prefixes the feed uses. */
import { plainText } from "../../core/plain-text.ts";

/** Addresses of namespaces, in small letters: some apps and many feeds write them in their own way. */
const usual = new Map([
  ["http://www.itunes.com/dtds/podcast-1.0.dtd", "itunes"],
  ["http://www.w3.org/2005/atom", "atom"],
  ["https://podcastindex.org/namespace/1.0", "podcast"],
  // Its older one.
  ["https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md", "podcast"],
]);

export interface Names {
  /** The document with the usual prefixes: `itunes`, `atom` and `podcast`. */
  readonly document: unknown;
  /** What is wrong with its prefixes, each in a few words. */
  readonly faults: readonly string[];
}

/** Of each prefix in force its namespace; under "" that of names without one. */
type Scope = ReadonlyMap<string, string>;

/** @param parsed as the parser gives it: attributes begin with "@", elements of the same name are a list. */
export function withUsualNames(parsed: unknown): Names {
  const undeclared = new Set<string>();
  const strange = new Set<string>();

  const nameOf = (name: string, scope: Scope): string => {
    const [prefix, local] = parted(name);
    const namespace = scope.get(prefix);
    if (namespace === undefined) {
      if (prefix) undeclared.add(prefix);
      return name;
    }
    const known = usual.get(namespace.trim().toLowerCase());
    if (known !== undefined) return `${known}:${local}`;
    if (![...usual.values()].includes(prefix)) return name;
    strange.add(prefix);
    return `not-${name}`;
  };

  const visit = (node: unknown, outer: Scope): unknown => {
    if (typeof node !== "object" || node === null) return node;
    const elements = new Map<string, unknown[]>();
    for (const [key, value] of Object.entries(node)) {
      if (key.startsWith("@")) {
        const [prefix] = parted(key.slice(1));
        if (prefix && prefix !== "xmlns" && !outer.has(prefix)) undeclared.add(prefix);
      }
      if (isNoElement(key)) elements.set(key, [value]);
      else
        for (const one of Array.isArray(value) ? value : [value]) {
          const scope = scopeIn(one, outer);
          const name = nameOf(key, scope);
          const all = elements.get(name) ?? [];
          all.push(visit(one, scope));
          elements.set(name, all);
        }
    }
    return Object.fromEntries([...elements].map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
  };

  const document = visit(parsed, new Map([["xml", ""]]));
  return {
    document,
    faults: [
      ...[...undeclared].slice(0, 1).map((prefix) => `uses ${plainText(prefix, 30)}: without declaring it`),
      ...[...strange].slice(0, 1).map((prefix) => `declares ${prefix}: as something other than podcast apps know`),
    ],
  };
}

const isNoElement = (key: string): boolean => /^[@?#]/.test(key);

const parted = (name: string): readonly [prefix: string, local: string] => {
  const colon = name.indexOf(":");
  return colon < 0 ? ["", name] : [name.slice(0, colon), name.slice(colon + 1)];
};

/** What is in force inside an element: it may declare prefixes of its own. */
function scopeIn(element: unknown, outer: Scope): Scope {
  if (typeof element !== "object" || element === null) return outer;
  const own = Object.entries(element).flatMap(([key, value]): (readonly [string, string])[] => {
    const [, prefix] = /^@xmlns(?::(.+))?$/.exec(key) ?? [null];
    if (prefix === null) return [];
    return [[prefix ?? "", String(value)]];
  });
  return own.length === 0 ? outer : new Map([...outer, ...own]);
}
