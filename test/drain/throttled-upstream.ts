/** An upstream that answers 429 above so many requests a second, and remembers what it saw. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

/** What a request brought. */
export interface Delivery {
  readonly lane: string;
  readonly number: number;
}

/** A running upstream. Times are in ms of the process's monotonic clock. */
export interface ThrottledUpstream extends AsyncDisposable {
  readonly url: string;
  /** What it took, in order. */
  readonly deliveries: readonly Delivery[];
  /** When requests came in, those that it turned away included. */
  readonly arrivals: readonly number[];
  /** How many it turned away. */
  readonly throttled: number;
}

const second = 1_000;

/** Starts one; a request that comes when `limit` others came within the last second is turned away. */
export async function throttledUpstream(limit: number): Promise<ThrottledUpstream> {
  const deliveries: Delivery[] = [];
  const arrivals: number[] = [];
  let throttled = 0;
  const server = createServer(async (request, response) => {
    const now = performance.now();
    const before = arrivals.length - arrivals.findLastIndex((at) => at <= now - second) - 1;
    arrivals.push(now);
    const body = await text(request);
    if (before >= limit) {
      throttled += 1;
      response.writeHead(429, { 'retry-after': '1' }).end();
      return;
    }
    deliveries.push(JSON.parse(body));
    response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    deliveries,
    arrivals,
    get throttled() {
      return throttled;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The most that arrived within any second that began after `since`. */
export function busiestSecond(arrivals: readonly number[], since: number): number {
  const later = arrivals.filter((at) => at >= since);
  let end = 0;
  let most = 0;
  for (const [start, at] of later.entries()) {
    while (end < later.length && (later[end] ?? 0) < at + second) end += 1;
    most = Math.max(most, end - start);
  }
  return most;
}
