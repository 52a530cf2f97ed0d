/** Annotations in the store: what happened to a target, and when. */
import { storedText } from "../../core/language.ts";
import type { Annotation } from "../../core/upgrade.ts";
import { type Connection, numeric, text } from "./connection.ts";

/** The same one twice is one. */
export function addAnnotations(connection: Connection, annotations: readonly Annotation[]): void {
  for (const { target, at, text } of annotations) {
    connection.run(
      "insert into annotation (target, at, text) values (?, ?, ?) on conflict do nothing",
      target,
      at.epochMilliseconds,
      JSON.stringify(Object.fromEntries(Object.entries(text).toSorted())),
    );
  }
}

/** Oldest first; with a limit, the newest of them. */
export function readAnnotations(
  connection: Connection,
  { from, to, limit = -1 }: { readonly from: Temporal.Instant; readonly to: Temporal.Instant; readonly limit?: number },
): readonly Annotation[] {
  const rows = connection.all(
    "select target, at, text from annotation where at >= ? and at < ? order by at desc, target desc, text desc limit ?",
    from.epochMilliseconds,
    to.epochMilliseconds,
    limit,
  );
  return rows.toReversed().map((row) => ({
    target: text(row, "target"),
    at: Temporal.Instant.fromEpochMilliseconds(numeric(row, "at")),
    text: storedText.parse(JSON.parse(text(row, "text"))),
  }));
}
