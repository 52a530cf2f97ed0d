/** Random moments that can be had again: everything follows from one seed. */

/** The seed of this run: the given one, or that of TIDEWATCH_TEST_SEED. */
export function seedOf(usual: number): number {
  const wanted = Number(process.env["TIDEWATCH_TEST_SEED"]);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : usual;
}

/** Numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
