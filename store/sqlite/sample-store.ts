/** Samples and readings as the store gives them back: with names in place of ids, and places averaged. */
import type { Sample } from "../../core/sample.ts";
import type { ReadingSeries, SampleStore } from "../../core/store/samples.ts";
import type { FileSessions } from "./file-sessions.ts";
import { instant } from "./rows.ts";
import type { StoredSample } from "./sample-bytes.ts";
import { canonicalJson, type SeriesIds } from "./series-ids.ts";
import { toSample } from "./stored-sample.ts";

type Span = Readonly<{ from: Temporal.Instant; to: Temporal.Instant }>;

export const sampleStore = (sessions: FileSessions): SampleStore => ({
  async since(at) {
    const { ids } = sessions.current();
    const from = at.epochMilliseconds + 1;
    return named(ids, await sessions.ask("samplesFrom", { series: ids.allSeries(), from }));
  },
  async latest() {
    const { ids, head } = sessions.current();
    return named(ids, await sessions.ask("latestSamples", { newest: head.allNewest() }));
  },
  async list(of, { limit, ...span }) {
    const { ids } = sessions.current();
    const series = ids.seriesOfCheck(of);
    return named(ids, await sessions.ask("samples", { series, limit, ...milliseconds(span) }));
  },
  readings: (of, per, span) => readings(sessions, of, per, span),
});

async function readings(
  sessions: FileSessions,
  ...[of, per, span]: Parameters<SampleStore["readings"]>
): Promise<readonly ReadingSeries[]> {
  const { ids, derivation } = sessions.current();
  const asked = ids.readingsOf(of).map(({ id, series }) => ({ id, series }));
  const derivedUntil = derivation.until;
  const found = await sessions.ask("readings", { ids: asked, per, derivedUntil, ...milliseconds(span) });
  const named = found.flatMap(({ id, points }) => {
    const reading = ids.readingOf(id);
    return reading && points.length > 0 ? [{ reading, points }] : [];
  });
  const byName = Map.groupBy(named, ({ reading }) => {
    const { target, check } = ids.seriesOf(reading.series);
    return JSON.stringify([target, check, canonicalJson(reading.labels)]);
  });
  return [...byName.values()].flatMap((places) => {
    const [first] = places;
    if (!first) return [];
    const { target, check } = ids.seriesOf(first.reading.series);
    const points = onePerMoment(places.flatMap((place) => place.points));
    return [{ target, check, metric: of.metric, labels: first.reading.labels, points }];
  });
}

const named = (ids: SeriesIds, samples: readonly StoredSample[]): readonly Sample[] =>
  samples.map((sample) =>
    toSample(sample, ids.seriesOf(sample.series), (id) => {
      const reading = ids.readingOf(id);
      if (!reading) return undefined;
      const { metric, labels } = reading;
      return { metric, ...(Object.keys(labels).length > 0 && { labels }) };
    }),
  );

export const milliseconds = (span: Span) => ({ from: span.from.epochMilliseconds, to: span.to.epochMilliseconds });

/** What several places read at the same moment, or in the same hour, is averaged. */
function onePerMoment(points: readonly (readonly [at: number, value: number])[]): ReadingSeries["points"] {
  const byTime = Map.groupBy(points, ([at]) => at);
  return [...byTime]
    .sort(([a], [b]) => a - b)
    .map(([at, same]) => ({
      at: instant(at),
      value: same.reduce((sum, [, value]) => sum + value / same.length, 0),
    }));
}
