/** The times that the demo shortens, so that three outages fit into a minute; all others are the defaults. */

/** Options of the app, in ms. */
export const shortenedTimes = {
  breaker: { openFor: 2_000 },
  timeouts: { read: 1_000, write: 1_500 },
  reconcileFor: 3_000,
  recoveryRamp: 2_000,
  health: { interval: 1_000, timeoutMs: 1_000 },
  confirm: { interval: 250, maxInterval: 1_000 },
};

/** The same for people, each with its default. */
export const shortenedTimesInWords: readonly string[] = [
  'open time 2 s (60 s)',
  'time to reconcile 3 s (2 min)',
  'deadlines of reads 1 s (5 s) and writes 1.5 s (5 s)',
  'reads go live again within 2 s (5 s)',
  'health checks every second (30 s)',
  'messages are looked for every second (up to a minute)',
];
