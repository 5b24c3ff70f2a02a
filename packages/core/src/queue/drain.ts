/** Replays the queue once the breaker lets calls through: one canary first, then more and more. */

import type { Breaker } from '../breaker/breaker.ts';
import type { Permit } from '../breaker/permit.ts';
import { type Clock, runOutside } from '../clock.ts';
import type { DeclaredWrite } from '../declared-write.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { Policy } from '../policy/policy.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { DrainRamp } from './drain-ramp.ts';
import type { DrainRate } from './drain-rate.ts';
import type { Evidence } from './evidence.ts';
import type { Claim, LaneQueue, QueueVerdict } from './lane-queue.ts';
import type { OperationRecord } from './operation-record.ts';
import { Replayer } from './replay.ts';

interface DrainSurroundings {
  readonly queue: LaneQueue;
  readonly breaker: Breaker;
  readonly policy: Policy;
  readonly ramp: DrainRamp;
  readonly rate: DrainRate;
  readonly evidence: Evidence;
  readonly writes: ReadonlyMap<string, DeclaredWrite>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  readonly tracing: Tracing;
  readonly classify: (error: unknown) => Failure;
}

/** Instances do not start to drain in step: each waits up to this long at random, in ms. */
const startJitter = 500;
/** An upstream may not stop the drain for longer at a time, whatever its Retry-After says, in ms. */
const longestPause = 3_600_000;
/** The drain looks by itself at least this often, in ms. */
const longestSleep = 60_000;
/** Decides when, and how many at once, are replayed. */
export class Drain {
  readonly #around: DrainSurroundings;
  readonly #running = new Set<Promise<void>>();
  readonly #replayer: Replayer;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #stopped = true;
  #paused = false;
  #woken = false;
  #cancelSleep: Undo | undefined;

  constructor(around: DrainSurroundings) {
    this.#around = around;
    this.#replayer = new Replayer({ ...around, pause: (ms) => this.#throttled(ms) });
    const { queue, breaker, events, ramp, random } = around;
    queue.onWork(() => this.wake());
    breaker.addProber('canary', { wants: () => this.#hasCanary(), probe: () => this.wake() });
    events.on('deactivated', () => {
      ramp.reset();
      this.#pause(random() * startJitter);
      queue.recovered();
    });
  }

  /** Nothing is replayed while it is paused; what is in flight ends. */
  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    if (!paused) this.wake();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  start(): void {
    this.#stopped = false;
    this.wake();
  }

  /** Takes no more heads, and resolves when what is in flight has ended, or after `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.#stopped = true;
    this.#cancelSleep?.();
    if (this.#running.size === 0) return;
    let cancel: Undo = () => {};
    const patience = new Promise<void>((resolve) => {
      cancel = this.#around.clock.after(withinMs, resolve, true);
    });
    await Promise.race([Promise.allSettled(this.#running), patience]);
    cancel();
  }

  /** Looks for work soon. Notifications come from requests: the replays must not run in their contexts. */
  wake(): void {
    if (this.#stopped || this.#woken) return;
    this.#woken = true;
    runOutside(() =>
      queueMicrotask(() => {
        this.#woken = false;
        this.#pump();
      }),
    );
  }

  #pump(): void {
    const { clock, queue, breaker, rate } = this.#around;
    if (this.#stopped || this.#paused) return;
    const paused = this.#pausedUntil - clock.elapsed();
    if (paused > 0) {
      this.#sleep(paused);
      return;
    }
    const room = this.#room;
    // Whoever ends this wakes the drain: a replay that ends, a breaker that lets calls through.
    if (room <= 0 || !breaker.admits('canary')) {
      this.#sleep(longestSleep);
      return;
    }
    const permits: Permit[] = [];
    const admits = () => {
      const permit = breaker.admit('canary');
      if (permit) permits.push(permit);
      return permit !== undefined;
    };
    const claims = queue.claim({ max: Math.min(room, rate.room), admits });
    rate.take(claims.length);
    for (const [index, claim] of claims.entries()) {
      const permit = permits[index];
      if (!permit) continue;
      const replay = this.#replay(claim, permit)
        .catch(this.#complain)
        .finally(() => {
          this.#running.delete(replay);
          this.wake();
        });
      this.#running.add(replay);
    }
    const { nextDue } = queue;
    const due = nextDue === undefined ? longestSleep : nextDue - clock.now();
    // With heads that are ready the rate tells when to come again.
    this.#sleep(rate.waitMs > 0 && queue.claimable ? Math.min(rate.waitMs, due) : due);
  }

  #sleep(ms: number): void {
    this.#cancelSleep?.();
    const wait = Math.max(1, Math.min(ms, longestSleep));
    this.#cancelSleep = this.#around.clock.after(wait, () => this.wake());
  }

  readonly #complain = (error: unknown): void => {
    this.#around.events.emit('warning', {
      message: `A replay failed in the kit: ${String(error)}`,
    });
  };

  /** No new heads for so long; a longer pause that runs already stays. Answers what is granted, in ms. */
  #pause(ms: number): number {
    const granted = Math.min(ms, longestPause);
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#around.clock.elapsed() + granted);
    return granted;
  }

  /** One 429 is the answer to all that were on their way with it. */
  #throttled(ms: number): number {
    const { clock, rate } = this.#around;
    if (clock.elapsed() >= this.#pausedUntil) rate.throttled();
    return this.#pause(ms);
  }

  /** Live traffic goes first, but the drain always keeps one slot. */
  get #room(): number {
    const { ramp, policy } = this.#around;
    return Math.min(ramp.limit, Math.max(1, policy.bulkhead.free)) - this.#running.size;
  }

  #hasCanary(): boolean {
    const { queue, clock } = this.#around;
    const idle = this.#stopped || this.#paused || this.#running.size > 0;
    if (idle || clock.elapsed() < this.#pausedUntil) return false;
    return queue.claimable;
  }

  async #replay(claim: Claim, permit: Permit): Promise<void> {
    const { queue, clock, events, tracing, writes } = this.#around;
    const { record } = claim;
    const write = writes.get(record.operation);
    const started = clock.elapsed();
    await tracing.process(record, async (end) => {
      let verdict: QueueVerdict = { kind: 'release' };
      try {
        if (write) verdict = await this.#replayer.replay(claim, write, permit);
      } finally {
        permit.release();
        const settled = await queue.settle(claim, verdict);
        const result = settled === 'lost' ? 'released' : resultOf(verdict);
        if (settled === 'ok') {
          this.#tell(record, verdict);
          const waitedMs = Math.max(0, clock.now() - record.enqueuedAt);
          const durationMs = clock.elapsed() - started;
          events.emit('processed', { operation: record.operation, result, waitedMs, durationMs });
        }
        end(result, 'error' in verdict ? verdict.error : undefined);
      }
    });
  }

  #tell({ operation }: OperationRecord, verdict: QueueVerdict): void {
    const { events } = this.#around;
    if (verdict.kind === 'done') events.emit('queue', { event: 'replayed', operation });
    if (verdict.kind === 'retry')
      events.emit('queue', { event: 'retried', operation, reason: verdict.error });
  }
}

function resultOf({ kind }: QueueVerdict): FallbackEvents['processed']['result'] {
  const results = {
    done: 'done',
    release: 'released',
    retry: 'retry',
    dead: 'dead',
    stop: 'stopped',
  } as const;
  return results[kind];
}
