/** One call a key: who comes while it is in the air shares its answer, or its failure. */

import type { Clock } from './clock.ts';
import { TimeoutError } from './errors.ts';
import { CallAborted } from './policy/call.ts';
import type { ReadKey } from './read-keys.ts';

/** How long one caller waits. */
export interface Patience {
  readonly timeoutMs: number;
  /** How much of that is over already, in ms. */
  readonly waitedMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A call that others may share while it is in the air. */
export interface Flight<Value> {
  /** How long it may take, in ms. */
  readonly lastsMs: number;
  /** Its moment among the flights. */
  began: number;
  /** How many wait for it. */
  waiting: number;
  /** Whether others wait for it, too. */
  joined: boolean;
  /** Whether what it asked for changed meanwhile: who joined may have come after that. */
  readonly overtaken: boolean;
  /** Of those who join: it has landed when they hear of it. */
  landing: Promise<Value> | undefined;
  /** Begins, and gives its landing; to be called once. It must have ended by its caller's deadline. */
  depart(): Promise<Value>;
  /** Nobody waits for it any more. */
  end(reason: unknown): void;
}

/** Makes a flight for a caller; `alone` where others cannot share it, and the caller's signal ends it. */
type Create<Value> = (patience: Patience, alone: boolean) => Flight<Value>;

interface Surroundings<Value> {
  readonly clock: Clock;
  /** What those who joined get of an answer; nothing where they have to call for themselves. */
  readonly share: (value: Value) => { readonly value: Value } | undefined;
}

/** Calls in the air, by key. */
export class SingleFlight<Value> {
  readonly #around: Surroundings<Value>;
  /** Of keys that are not kept: those that are know their flight. */
  readonly #others = new Map<string, Flight<Value>>();
  #moment = 0;

  constructor(around: Surroundings<Value>) {
    this.#around = around;
  }

  /** The flight that is in the air under a key. */
  of(key: ReadKey<Value>): Flight<Value> | undefined {
    return key.kept ? key.flight : this.#others.get(key.text);
  }

  /** From now on whoever comes may join it. */
  add(key: ReadKey<Value>, flight: Flight<Value>): void {
    flight.began = ++this.#moment;
    if (key.kept) key.flight = flight;
    else this.#others.set(key.text, flight);
  }

  /** Whoever comes later must not join it; another may fly in its place already. */
  remove(key: ReadKey<Value>, flight: Flight<Value>): void {
    if (this.of(key) !== flight) return;
    if (key.kept) key.flight = undefined;
    else this.#others.delete(key.text);
  }

  /**
   * The answer of the flight in the air, or of a new one. A caller may leave at its abort or its own
   * deadline: the flight goes on for the others, and is ended when nobody waits for it any more. An
   * answer that was overtaken since it was asked for is asked for once more by those who joined.
   */
  fly(
    key: ReadKey<Value>,
    patience: Patience,
    create: Create<Value>,
    came: number = ++this.#moment,
  ): Promise<Value> {
    const shared = this.of(key);
    // One that ends before this caller's time would cut it short.
    if (shared?.landing && shared.lastsMs >= patience.timeoutMs - patience.waitedMs)
      return this.#join(key, shared, shared.landing, patience, create, came);
    const begun = create(patience, false);
    this.add(key, begun);
    const answer = begun.depart();
    begun.landing = answer;
    return patience.signal ? this.#leavable(key, begun, answer, patience) : answer;
  }

  async #join(
    key: ReadKey<Value>,
    shared: Flight<Value>,
    answer: Promise<Value>,
    patience: Patience,
    create: Create<Value>,
    came: number,
  ): Promise<Value> {
    const { clock, share } = this.#around;
    const { lastsMs, began } = shared;
    const { timeoutMs, waitedMs, signal } = patience;
    const joinedAt = clock.elapsed();
    shared.waiting += 1;
    shared.joined = true;
    const leaves = signal || timeoutMs - waitedMs < lastsMs;
    // Before the one who began it can change it.
    const sharing = answer.then(share);
    const mine = await (leaves ? this.#leavable(key, shared, sharing, patience) : sharing);
    if (mine && (!shared.overtaken || began > came)) return mine.value;
    const later = { ...patience, waitedMs: waitedMs + clock.elapsed() - joinedAt };
    return mine ? this.fly(key, later, create, came) : create(later, true).depart();
  }

  #leavable<T>(
    key: ReadKey<Value>,
    shared: Flight<Value>,
    answer: Promise<T>,
    { timeoutMs, waitedMs, signal }: Patience,
  ): Promise<T> {
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

      answer.then(
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
        this.remove(key, shared);
        shared.end(error);
      };
      const release = () => {
        cancel?.();
        signal?.removeEventListener('abort', aborted);
      };
      // Between two steps nobody was listening.
      if (signal?.aborted) aborted();
    });
  }
}
