/** What the alerts are set to. Change it here and generate anew, or change the rules themselves. */
export const settings = {
  /** Share of calls that have to be answered, live or by fallback. */
  objective: 0.999,
  /** Fewer failed calls than this in the long window say nothing about a share. */
  fewestFailures: 10,
  /** How long fallback may be active before somebody is told, in s. */
  activeFor: 900,
  /** How old a queued write may be, in s. */
  oldestWrite: 3_600,
  /** How many may wait before growing is told. */
  manyWrites: 1_000,
} as const;
