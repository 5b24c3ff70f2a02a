/** Times of messages, in microseconds, as Graphiti keeps them. */

/** A clock that goes back by less than this, in ms, is waited for: so little does it matter how messages are dated. */
const smallStep = 1_000;
/** After each greater step back the times lie elsewhere between two milliseconds, in µs: a prime, so that they never lie together. */
const eraOffset = 383;

/**
 * Creates a source of ISO 8601 times that does not give one twice: Graphiti sorts episodes by them, and a
 * millisecond is long enough for two messages. It follows a clock that is set back: Graphiti shows a
 * message only when the time that it is dated has come.
 */
export function createTimestamps(now: () => number = Date.now): () => string {
  let last = 0;
  let offset = 0;
  return () => {
    const time = now() * 1_000;
    if (time < last - smallStep * 1_000) {
      offset = (offset + eraOffset) % 1_000;
      last = 0;
    }
    last = Math.max(time + offset, last + 1);
    const toMs = new Date(Math.floor(last / 1_000)).toISOString().slice(0, -1);
    return `${toMs}${String(last % 1_000).padStart(3, '0')}Z`;
  };
}

/** An ISO 8601 time in microseconds since the epoch; NaN where it is none. */
export function microseconds(timestamp: string): number {
  const [, fraction = ''] = /\.(\d+)/.exec(timestamp) ?? [];
  return Date.parse(timestamp) * 1_000 + Number(fraction.padEnd(6, '0').slice(3, 6));
}
