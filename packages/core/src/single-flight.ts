/** One call a key: who comes while it is in the air shares its answer, or its failure. */

import type { Clock } from './clock.ts';
import { TimeoutError } from './errors.ts';
import { CallAborted } from './policy/policy.ts';

/** How long one caller waits. */
export interface Patience {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

interface Flight<Value> {
  readonly answer: Promise<Value>;
  readonly timeoutMs: number;
  /** Ends the call. Absent where the first caller cannot give up: then somebody always waits. */
  readonly ending: AbortController | undefined;
  waiting: number;
  /** Whether anybody else has waited for it. */
  joined: boolean;
}

/** Begins a call; it must have ended by the deadline of the caller who begins it. */
export type Begin<Value> = (signal: AbortSignal | undefined) => Promise<Value>;

interface Surroundings<Value> {
  readonly clock: Clock;
  /** An answer that is not belongs to the caller who began; others then call for themselves. */
  readonly isSharable: (value: Value) => boolean;
  /** Told of a failure that several waited for, before they are. */
  readonly onSharedFailure: (key: string, error: unknown) => void;
}

/** Calls in the air, by key. */
export class SingleFlight<Value> {
  readonly #flights = new Map<string, Flight<Value>>();
  readonly #around: Surroundings<Value>;

  constructor(around: Surroundings<Value>) {
    this.#around = around;
  }

  /**
   * The answer of the flight in the air, or of a new one. A caller may leave at its abort or its own
   * deadline: the flight goes on for the others, and is ended when nobody waits for it any more.
   */
  fly(key: string, patience: Patience, begin: Begin<Value>): Promise<Value> {
    const shared = this.#flights.get(key);
    // One that ends before this caller's time would cut it short.
    if (!shared || shared.timeoutMs < patience.timeoutMs) {
      const flight = this.#begun(key, patience, begin);
      return patience.signal ? this.#leavable(key, flight, patience) : flight.answer;
    }
    shared.waiting += 1;
    shared.joined = true;
    const leaves = patience.signal || patience.timeoutMs < shared.timeoutMs;
    const answer = leaves ? this.#leavable(key, shared, patience) : shared.answer;
    return answer.then((value) =>
      this.#around.isSharable(value) ? value : begin(patience.signal),
    );
  }

  #begun(key: string, { timeoutMs, signal }: Patience, begin: Begin<Value>): Flight<Value> {
    const ending = signal && new AbortController();
    const answer = begin(ending?.signal);
    const flight = { answer, timeoutMs, ending, waiting: 1, joined: false };
    this.#flights.set(key, flight);
    answer.then(
      () => this.#remove(key, flight),
      (error: unknown) => {
        this.#remove(key, flight);
        if (flight.joined) this.#around.onSharedFailure(key, error);
      },
    );
    return flight;
  }

  #leavable(key: string, flight: Flight<Value>, { timeoutMs, signal }: Patience): Promise<Value> {
    return new Promise((resolve, reject) => {
      const late = () => {
        const error = new TimeoutError(timeoutMs);
        error.sent = true;
        leave(error);
      };
      const aborted = () => leave(new CallAborted(signal?.reason, true));
      const cancel =
        timeoutMs < flight.timeoutMs ? this.#around.clock.after(timeoutMs, late) : undefined;
      signal?.addEventListener('abort', aborted, { once: true });

      flight.answer.then(
        (value) => {
          release();
          resolve(value);
        },
        (error: unknown) => {
          release();
          reject(error);
        },
      );

      const leave = (error: Error) => {
        release();
        reject(error);
        flight.waiting -= 1;
        if (flight.waiting > 0) return;
        this.#remove(key, flight);
        flight.ending?.abort(error);
      };
      const release = () => {
        cancel?.();
        signal?.removeEventListener('abort', aborted);
      };
    });
  }

  /** Whoever comes later must not join it; another may fly in its place already. */
  #remove(key: string, flight: Flight<Value>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
