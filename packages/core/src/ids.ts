/** Ids of operations and outages. */

import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const bytesOfId = 16;
/** Random bytes for many ids: asking for those of each costs more than all the rest of it. */
const pool = new Uint8Array(256 * bytesOfId);
let used = pool.length;
let msecs = 0;
let seq = 0;

/** A UUIDv7 (RFC 9562) that sorts behind all that this process has made before, whatever its clock does. */
export function newId(): string {
  const random = nextBytes();
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    // With room above it for those of the same millisecond.
    seq = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 2;
  } else seq += 1;
  return v7({ random, msecs, seq });
}

function nextBytes(): Uint8Array<ArrayBuffer> {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytesOfId;
  return pool.subarray(used - bytesOfId, used);
}
