/** The store's test of itself: a number that was just written, read by a connection that opens the file anew. */
import { Connection } from "./connection.ts";
import { numeric } from "./rows.ts";
import { run, statement, type Transaction } from "./statements.ts";

const upsert = statement(
  "insert into progress (name, value) values ('self_test', ?) on conflict (name) do update set value = excluded.value",
);
const written = statement("select value from progress where name = 'self_test'");

export function* writeTest(value: number): Transaction<void> {
  yield* run(upsert, value);
}

/** undefined where none was written yet. */
export function readTest(connection: Connection): number | undefined {
  const row = connection.get(written);
  return row && numeric(row, "value");
}

/** By its path, as whoever opens it next finds it. */
export function readTestAnew(path: string): number | undefined {
  using anew = new Connection(path, { readOnly: true });
  return readTest(anew);
}
