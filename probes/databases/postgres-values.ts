/** Types of PostgreSQL's values: numbers and booleans as far as our questions ask for them; all others stay texts. */

type Reader = (text: string) => unknown;

const asNumber: Reader = (text) => Number(text);
const asText: Reader = (text) => text;

/** bool, int2, int4, oid, float4, float8. */
const readers: ReadonlyMap<number, Reader> = new Map([
  [16, (text) => text === "t"],
  ...[21, 23, 26, 700, 701].map((type): [number, Reader] => [type, asNumber]),
]);

/** In place of those of pg, which also read JSON and lists in lists, however deep. */
export const types = { getTypeParser: (type: number): Reader => readers.get(type) ?? asText };
