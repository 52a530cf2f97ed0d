/** In which hour or day (a slot) a moment lies, and the integer key of a slot: time first, so that new rows come last. */

const hourMilliseconds = 3_600_000;
export const seriesBits = 20;
const seriesCount = 2 ** seriesBits;

/** Epoch milliseconds, half-open. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The last moment that an Instant can be. */
export const farFuture = 8.64e15;

/** How long a slot of this kind is, in hours. */
export const hoursIn = { hour: 1, day: 24 } as const;
export type Per = keyof typeof hoursIn;

/** Hours since 1970 (UTC) in which this moment lies. */
export const hourOf = (milliseconds: number) => Math.floor(milliseconds / hourMilliseconds);
export const startOfHour = (hour: number) => hour * hourMilliseconds;
export const dayOf = (hour: number) => Math.floor(hour / 24);

/** The first slot that begins at or after this moment. */
export const slotFrom = (milliseconds: number, per: Per) => Math.ceil(milliseconds / (hourMilliseconds * hoursIn[per]));
export const startOfSlot = (slot: number, per: Per) => slot * hourMilliseconds * hoursIn[per];

export const slotKey = (slot: number, series: number) => slot * seriesCount + series;
export const slotOf = (key: number) => Math.floor(key / seriesCount);
export const seriesOf = (key: number) => key % seriesCount;
