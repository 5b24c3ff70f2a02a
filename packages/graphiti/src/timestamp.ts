/** Times of messages, in microseconds, as Graphiti keeps them. */

/**
 * Creates a source of ISO 8601 times that never gives one twice: Graphiti sorts episodes by them, and
 * a millisecond is long enough for two messages.
 */
export function createTimestamps(now: () => number = Date.now): () => string {
  let last = 0;
  return () => {
    last = Math.max(now() * 1_000, last + 1);
    const toMs = new Date(Math.floor(last / 1_000)).toISOString().slice(0, -1);
    return `${toMs}${String(last % 1_000).padStart(3, '0')}Z`;
  };
}

/** An ISO 8601 time in microseconds since the epoch; NaN where it is none. */
export function microseconds(timestamp: string): number {
  const [, fraction = ''] = /\.(\d+)/.exec(timestamp) ?? [];
  return Date.parse(timestamp) * 1_000 + Number(fraction.padEnd(6, '0').slice(3, 6));
}
