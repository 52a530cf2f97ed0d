/** Which series of samples is meant: a check of a target, and the vantage point that it was seen from. */

export interface CheckRef {
  readonly target: string;
  readonly check: string;
}

export interface Series extends CheckRef {
  readonly vantagePoint: string;
}

/** Names one series among all: ids have no line breaks in them. */
export const seriesName = ({ target, check, vantagePoint }: Series): string => `${target}\n${check}\n${vantagePoint}`;
