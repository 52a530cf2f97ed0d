/** Default values of the settings: they hold where the configuration says nothing, and stand in the descriptions of the settings. */

/** Starts at the folder of the configuration. */
export const storeDefault = "./data/tidewatch.db";

/** Unless the probe knows better. */
export const checkDefaults = { everySeconds: 60, timeoutSeconds: 10, required: true } as const;

/** Reference values of what comes and goes: back so soon after its end, it is over only when it was quiet for so long. */
export const flappingDefaults = { withinSeconds: 1800, quietSeconds: 900 } as const;

/** Times between tries are no longer than the interval of the check. */
export const confirmationDefaults = { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 30 } as const;
