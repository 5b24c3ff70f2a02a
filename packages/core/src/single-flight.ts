/** One call a key: who comes while it is in the air shares its answer, or its failure. */

import type { Clock } from './clock.ts';
import { TimeoutError } from './errors.ts';
import { CallAborted } from './policy/call.ts';

/** How long one caller waits. */
export interface Patience {
  readonly timeoutMs: number;
  /** How much of that is over already, in ms. */
  readonly waitedMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A call in the air, as the one who makes it sees it. */
export interface Flight {
  /** Aborts when nobody waits any more. Absent where the first caller cannot give up. */
  readonly signal: AbortSignal | undefined;
  readonly waitedMs: number;
  /** Whether others wait for it, too. */
  readonly joined: boolean;
  /** To be set where what it asked for changed meanwhile: who joined may have come after that. */
  overtaken: boolean;
  /** To be called when it has ended, before those who wait hear of it: nobody joins it from then on. */
  landed(): void;
}

/** Makes a call; it must have ended by the deadline of the caller who begins it. */
export type Call<Value> = (flight: Flight) => Promise<Value>;

interface Surroundings<Value> {
  readonly clock: Clock;
  /** An answer that is not belongs to the caller who began; others then call for themselves. */
  readonly isSharable: (value: Value) => boolean;
}

/** Calls in the air, by key. */
export class SingleFlight<Value> {
  readonly #flights: Flights<Value> = new Map();
  readonly #around: Surroundings<Value>;
  #moment = 0;

  constructor(around: Surroundings<Value>) {
    this.#around = around;
  }

  /**
   * The answer of the flight in the air, or of a new one. A caller may leave at its abort or its own
   * deadline: the flight goes on for the others, and is ended when nobody waits for it any more. An
   * answer that was overtaken since it was asked for is asked for once more by those who joined.
   */
  fly(
    key: string,
    patience: Patience,
    call: Call<Value>,
    came: number = ++this.#moment,
  ): Promise<Value> {
    const shared = this.#flights.get(key);
    // One that ends before this caller's time would cut it short.
    if (shared && shared.lastsMs >= patience.timeoutMs - patience.waitedMs)
      return this.#join(key, shared, patience, call, came);
    const begun = this.#begin(key, patience, call);
    return patience.signal ? this.#leavable(begun, patience) : begun.answer;
  }

  async #join(
    key: string,
    shared: SharedFlight<Value>,
    patience: Patience,
    call: Call<Value>,
    came: number,
  ): Promise<Value> {
    const { clock, isSharable } = this.#around;
    const { answer, lastsMs, began } = shared;
    const { timeoutMs, waitedMs, signal } = patience;
    const joinedAt = clock.elapsed();
    shared.waiting += 1;
    shared.joined = true;
    const leaves = signal || timeoutMs - waitedMs < lastsMs;
    const value = await (leaves ? this.#leavable(shared, patience) : answer);
    const own = !isSharable(value);
    if (!own && (!shared.overtaken || began > came)) return value;
    const later = { ...patience, waitedMs: waitedMs + clock.elapsed() - joinedAt };
    return own ? call(flightOf(later.waitedMs, signal)) : this.fly(key, later, call, came);
  }

  #begin(
    key: string,
    { timeoutMs, waitedMs, signal }: Patience,
    call: Call<Value>,
  ): SharedFlight<Value> {
    const lastsMs = timeoutMs - waitedMs;
    const ending = signal && new AbortController();
    const shared = new SharedFlight(this.#flights, key, ++this.#moment, waitedMs, lastsMs, ending);
    this.#flights.set(key, shared);
    shared.answer = call(shared);
    return shared;
  }

  #leavable(
    shared: SharedFlight<Value>,
    { timeoutMs, waitedMs, signal }: Patience,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const late = () => {
        const error = new TimeoutError(timeoutMs);
        error.sent = true;
        leave(error);
      };
      const aborted = () => leave(new CallAborted(signal?.reason, true));
      const leftMs = timeoutMs - waitedMs;
      const cancel = leftMs < shared.lastsMs ? this.#around.clock.after(leftMs, late) : undefined;
      signal?.addEventListener('abort', aborted, { once: true });

      shared.answer.then(
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
        shared.waiting -= 1;
        if (shared.waiting > 0) return;
        shared.landed();
        shared.ending?.abort(error);
      };
      const release = () => {
        cancel?.();
        signal?.removeEventListener('abort', aborted);
      };
    });
  }
}

type Flights<Value> = Map<string, SharedFlight<Value>>;

class SharedFlight<Value> implements Flight {
  readonly began: number;
  readonly waitedMs: number;
  readonly lastsMs: number;
  readonly ending: AbortController | undefined;
  waiting = 1;
  joined = false;
  overtaken = false;
  answer!: Promise<Value>;
  readonly #flights: Flights<Value>;
  readonly #key: string;

  constructor(
    flights: Flights<Value>,
    key: string,
    began: number,
    waitedMs: number,
    lastsMs: number,
    ending: AbortController | undefined,
  ) {
    this.#flights = flights;
    this.#key = key;
    this.began = began;
    this.waitedMs = waitedMs;
    this.lastsMs = lastsMs;
    this.ending = ending;
  }

  get signal(): AbortSignal | undefined {
    return this.ending?.signal;
  }

  /** Whoever comes later must not join it; another may fly in its place already. */
  landed(): void {
    if (this.#flights.get(this.#key) === this) this.#flights.delete(this.#key);
  }
}

/** A call that nobody else waits for. */
export function flightOf(waitedMs: number, signal: AbortSignal | undefined): Flight {
  return { signal, waitedMs, joined: false, overtaken: false, landed() {} };
}
