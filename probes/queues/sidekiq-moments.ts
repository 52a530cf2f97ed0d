/** Moments as Sidekiq writes them into a job. */
import { z } from "zod";

/** Seconds since 1970. Sidekiq 8 counts milliseconds, those before it seconds; the two are a thousand years apart. */
export const jobMoment = z
  .number()
  .positive()
  .nullish()
  .transform((moment) => {
    if (moment === null || moment === undefined) return undefined;
    return moment >= 1e11 ? moment / 1000 : moment;
  });
