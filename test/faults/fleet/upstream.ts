/** The upstream, in a process of its own: it notes every delivery, and judges them against what was acknowledged. */

import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

interface Delivery {
  readonly lane: string;
  readonly text: string;
  /** Sent by a request; else from the queue. */
  readonly live: boolean;
  /** When its sender had looked whether it may send, and until when it may last; wall-clock ms. */
  readonly sentAt: number;
  readonly until: number;
}

/** What was acknowledged: by lane, in order. */
export type Acknowledged = Readonly<Record<string, readonly number[]>>;

/** What the deliveries came to. */
export interface FleetVerdict {
  readonly acknowledged: number;
  readonly lost: readonly string[];
  readonly outOfOrder: readonly string[];
  /** Two deliveries from the queue in one lane at once, both within their deadlines. */
  readonly overlaps: number;
  /** The same, where one of them is live: turns of live writes are each instance's own. */
  readonly liveOverlaps: number;
  /** Of what had been delivered, after something newer of its lane, by one that had lost the lane. */
  readonly stale: readonly string[];
  /** The same, past its deadline: frozen between its last look and the write. */
  readonly lateDuplicates: number;
  readonly duplicates: number;
}

interface Noted {
  readonly number: number;
  readonly late: boolean;
}

/** How long a delivery takes at most, in ms. */
const longestCall = Number(process.env.TAKES);
const deliveries = new Map<string, Noted[]>();
const busy = new Map<string, Delivery[]>();
let overlaps = 0;
let liveOverlaps = 0;
let isDown = false;

const server = createServer(async (request, response) => {
  const body = await text(request);
  if (request.url === '/down') isDown = body === 'true';
  else if (request.url === '/judge')
    response.end(JSON.stringify(judge(JSON.parse(body) as Acknowledged)));
  else {
    response.statusCode = await deliver(JSON.parse(body) as Delivery);
  }
  response.end();
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address ? address.port : 0);
});

async function deliver(delivery: Delivery): Promise<number> {
  const { lane, text: number, live } = delivery;
  if (isDown) return 503;
  const others = busy.get(lane) ?? [];
  const now = Date.now();
  const isLate = ({ until }: Delivery) => now > until;
  const overlapped = others.filter((other) => !isLate(other));
  if (overlapped.length > 0 && !isLate(delivery)) {
    if (live || overlapped.every((other) => other.live)) liveOverlaps += 1;
    else overlaps += 1;
  }
  busy.set(lane, [...others, delivery]);
  await pause(Math.random() * longestCall);
  busy.set(lane, busy.get(lane)?.filter((other) => other !== delivery) ?? []);
  const noted = { number: Number(number), late: isLate(delivery) };
  deliveries.set(lane, [...(deliveries.get(lane) ?? []), noted]);
  return 200;
}

function judge(acknowledged: Acknowledged): FleetVerdict {
  const lost: string[] = [];
  const outOfOrder: string[] = [];
  const stale: string[] = [];
  let [total, duplicates, lateDuplicates] = [0, 0, 0];
  for (const [lane, numbers] of Object.entries(acknowledged)) {
    total += numbers.length;
    // What was not acknowledged may come at any time.
    const promised = new Set(numbers);
    const seen = new Set<number>();
    let newest = -1;
    for (const { number, late } of deliveries.get(lane) ?? []) {
      if (seen.has(number)) duplicates += 1;
      if (promised.has(number) && number < newest) {
        if (!seen.has(number)) outOfOrder.push(`${lane}: ${number} after ${newest}`);
        else if (late) lateDuplicates += 1;
        else stale.push(`${lane}: ${number} again after ${newest}`);
      }
      seen.add(number);
      if (promised.has(number)) newest = Math.max(newest, number);
    }
    for (const number of numbers) if (!seen.has(number)) lost.push(`${lane}: ${number}`);
  }
  return {
    acknowledged: total,
    lost,
    outOfOrder,
    overlaps,
    liveOverlaps,
    stale,
    lateDuplicates,
    duplicates,
  };
}
