/** What a caller is told whose write was not kept. */

import type { DeclaredWrite } from './declared-write.ts';
import type { Engine } from './engine.ts';
import { FallbackError } from './errors.ts';
import { modes } from './mode.ts';

/** The errors of one write. */
export interface Refusals {
  /** It may have been applied or not, and must not be repeated blindly. */
  unknown(cause: unknown): FallbackError;
  /** The queue has no room. */
  full(limit: string): FallbackError;
  /** Neither sent nor kept: because of the mode, or because this write must not wait in a queue. */
  turnedAway(): FallbackError;
  unavailable(cause?: unknown): FallbackError;
  /** The store failed before anything was sent. */
  notStored(cause: unknown): FallbackError;
}

/** Makes the errors of one write. */
export function refusalsOf({ life }: Engine, { name, flow }: DeclaredWrite): Refusals {
  const { breaker } = flow;
  const later = () => ({ retryAfterMs: breaker.retryAfterMs });

  return {
    unknown(cause) {
      const message = `'${name}' may have been applied or not: look before you repeat it`;
      return new FallbackError('FALLBACK_UNKNOWN_OUTCOME', message, { cause });
    },
    full(limit) {
      const message = `The queue is full (${limit}); '${name}' was not kept`;
      return new FallbackError('FALLBACK_QUEUE_FULL', message, later());
    },
    turnedAway() {
      if (!breaker.active || modes[breaker.mode].write !== 'refuse') return this.unavailable();
      const message = `'${name}' is refused: so are all writes while the upstream is unavailable`;
      return new FallbackError('FALLBACK_READ_ONLY', message, later());
    },
    unavailable(cause) {
      const why = life.closed ? ': the manager is closed' : '';
      const message = `'${name}' cannot be sent now, and is not kept${why}`;
      const because = cause === undefined ? {} : { cause };
      return new FallbackError('FALLBACK_UNAVAILABLE', message, { ...later(), ...because });
    },
    notStored(cause) {
      const message = `'${name}' could be neither sent nor stored`;
      return new FallbackError('FALLBACK_STORE_FAILED', message, { cause });
    },
  };
}
