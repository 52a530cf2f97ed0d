/** Default values of the settings: they hold where the configuration says nothing, and stand in the descriptions of the settings. */

/** Starts at the folder of the configuration. */
export const storeDefault = "./data/tidewatch.db";

/** Unless the probe knows better. */
export const checkDefaults = { everySeconds: 60, timeoutSeconds: 10, required: true } as const;

/** Times between tries are no longer than the interval of the check. */
export const confirmationDefaults = { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 30 } as const;
