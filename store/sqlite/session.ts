/** What is known of the store's file while it is open: who reads it, and what of it is kept in memory. */
import type { Connection } from "./connection.ts";
import { HeadBlock } from "./head-block.ts";
import { FileReader, memoryReader, type Reader } from "./reader.ts";
import { Derivation } from "./rollup-derivation.ts";
import { readTest } from "./self-test.ts";
import { SeriesIds } from "./series-ids.ts";

export interface Session {
  readonly connection: Connection;
  readonly reader: Reader;
  readonly ids: SeriesIds;
  readonly head: HeadBlock;
  readonly derivation: Derivation;
  /** What was written last to test the file. */
  readonly test: { value: number | undefined };
}

export function beginSession(connection: Connection, path: string): Session {
  const reader = path === ":memory:" ? memoryReader(connection) : new FileReader(path);
  const ids = new SeriesIds(connection);
  const head = new HeadBlock(connection);
  const derivation = new Derivation(connection, reader, head);
  return { connection, reader, ids, head, derivation, test: { value: readTest(connection) } };
}

/** Whether the file holds for this one what it held for the other: the same newest sample of each series, the same test. */
export function isSameState(one: Session, other: Session): boolean {
  const newest = new Map(other.head.allNewest());
  const samples = one.head.allNewest();
  if (samples.length !== newest.size || one.test.value !== other.test.value) return false;
  return samples.every(([series, at]) => newest.get(series) === at);
}
