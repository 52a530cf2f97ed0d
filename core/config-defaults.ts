/** Defaults of a check: what holds where neither the configuration nor the probe says anything. Told in the descriptions of the settings. */

export const checkDefaults = { everySeconds: 60, timeoutSeconds: 10, required: true } as const;

/** Times between tries are no longer than the interval of the check. */
export const confirmationDefaults = { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 30 } as const;
