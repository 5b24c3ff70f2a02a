/** The times that the soak shortens, so that minutes hold as many outages as days do. */

/** Options of the app, in ms. */
export const shortTimes = {
  breaker: { openFor: 1_000 },
  timeouts: { read: 1_000, write: 1_500 },
  // Longer than the slowest request may take to be carried out.
  reconcileFor: 6_000,
  recoveryRamp: 1_000,
  health: { interval: 1_000, timeoutMs: 1_000 },
};
