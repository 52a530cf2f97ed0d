/** Annotations in the store, such as an upgrade of a target: added by a commit, listed by time. */
import { storedText } from "../../core/language.ts";
import type { AnnotationStore } from "../../core/store/annotations.ts";
import type { Annotation } from "../../core/upgrade.ts";
import { allReadable, instant, json, numeric, type Row, text } from "./rows.ts";
import { all, type Driver, noLimit, run, statement, type Transaction } from "./statements.ts";

const insert = statement("insert into annotation (target, at, text) values (?, ?, ?) on conflict do nothing");
const newestIn = statement(
  "select target, at, text from annotation where at >= ? and at < ? order by at desc, target desc, text desc limit ?",
);

export const annotationStore = ({ read }: Driver): AnnotationStore => ({
  list: (span) => read(() => readAnnotations(span)),
});

/** An annotation that is there already is not added again. */
export function* addAnnotations(annotations: readonly Annotation[]): Transaction<void> {
  for (const { target, at, text } of annotations) {
    const sorted = Object.fromEntries(Object.entries(text).toSorted());
    yield* run(insert, target, at.epochMilliseconds, JSON.stringify(sorted));
  }
}

function* readAnnotations({
  from,
  to,
  limit = noLimit,
}: Parameters<AnnotationStore["list"]>[0]): Transaction<readonly Annotation[]> {
  const rows = yield* all(newestIn, from.epochMilliseconds, to.epochMilliseconds, limit);
  return allReadable(rows.toReversed(), annotationFrom);
}

export const annotationFrom = (row: Row): Annotation => ({
  target: text(row, "target"),
  at: instant(numeric(row, "at")),
  text: json(row, "text", storedText),
});
