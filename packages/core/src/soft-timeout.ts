/** How long a call that others can do without is waited for. */

import type { Clock } from './clock.ts';
import { CallAborted } from './policy/call.ts';

/**
 * Whether a call settles, either way, within `ms`; it goes on in any case.
 *
 * @throws {CallAborted} when the caller gives up meanwhile
 */
export function settlesWithin(
  call: Promise<unknown>,
  ms: number,
  signal: AbortSignal | undefined,
  clock: Clock,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(new CallAborted(signal?.reason, true));
    const cancel = ms > 0 ? clock.after(ms, () => end(false)) : undefined;
    signal?.addEventListener('abort', aborted, { once: true });
    const end = (settled: boolean) => {
      cancel?.();
      signal?.removeEventListener('abort', aborted);
      resolve(settled);
    };
    const settled = () => end(true);
    call.then(settled, settled);
    if (ms === 0) end(false);
    // Between two steps nobody was listening.
    if (signal?.aborted) {
      aborted();
      end(true);
    }
  });
}
