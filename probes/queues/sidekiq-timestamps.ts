/** Timestamps as Sidekiq writes them into a job, and as its cron jobs write them: read as seconds since 1970. */
import { z } from "zod";

/** Seconds since 1970. Sidekiq 8 counts milliseconds, those before it seconds; the two are a thousand years apart. */
export const jobTime = z
  .number()
  .positive()
  .nullish()
  .transform((moment) => {
    if (moment === null || moment === undefined) return undefined;
    return moment >= 1e11 ? moment / 1000 : moment;
  });

/** "2026-11-23 01:10:00 UTC" or "2026-11-23 02:10:00 +0100", as Ruby prints a time; seconds since 1970. */
export function rubyTime(text: string): number | undefined {
  const form = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)? ?(?:(UTC|Z)|([+-]\d\d):?(\d\d))$/;
  const [, date, clock, utc, hours, minutes] = form.exec(text) ?? [];
  const milliseconds = Date.parse(`${date}T${clock}${utc ? "Z" : `${hours}:${minutes}`}`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}
