/** Replays the queue once the breaker lets calls through: one canary first, then more and more. */

import { noJitterGenerator } from 'cockatiel';
import type { Breaker } from '../breaker/breaker.ts';
import { Permit } from '../breaker/permit.ts';
import { type Clock, runOutside } from '../clock.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import { countsAgainstUpstream, type Failure } from '../failure.ts';
import type { WriteContext } from '../operation.ts';
import type { Policy } from '../policy/policy.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { DeclaredWrite } from '../write.ts';
import type { DrainRamp } from './drain-ramp.ts';
import type { Evidence } from './evidence.ts';
import type { Claim, LaneQueue, QueueVerdict } from './lane-queue.ts';
import type { OperationRecord } from './operation-record.ts';

interface DrainSurroundings {
  readonly queue: LaneQueue;
  readonly breaker: Breaker;
  readonly policy: Policy;
  readonly ramp: DrainRamp;
  readonly evidence: Evidence;
  readonly writes: ReadonlyMap<string, DeclaredWrite>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  readonly tracing: Tracing;
  readonly classify: (error: unknown) => Failure;
}

/** A lane that failed waits up to this long the first time, doubling to the longest, in ms. */
const laneBackoff = {
  generator: noJitterGenerator,
  initialDelay: 1_000,
  maxDelay: 300_000,
  maxAttempts: Number.POSITIVE_INFINITY,
  exponent: 2,
};
/** Failures charged to an operation before it is given up as poison. */
const mostAttempts = 10;
/** Instances do not start to drain in step: each waits up to this long at random, in ms. */
const startJitter = 500;
/** An upstream may not stop the drain for longer at a time, whatever its Retry-After says, in ms. */
const longestPause = 3_600_000;
/** The drain looks by itself at least this often, in ms. */
const longestSleep = 60_000;
/** A lane that could not be sent for a local reason is looked at again after this time, in ms. */
const shortDelay = 250;

/** The one replayer of a queue. */
export class Drain {
  readonly #around: DrainSurroundings;
  readonly #running = new Set<Promise<void>>();
  /** For each operation that counted against the breaker, how often the breaker had closed by then. */
  readonly #counted = new Map<string, number>();
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #stopped = true;
  #woken = false;
  #cancelSleep: Undo | undefined;

  constructor(around: DrainSurroundings) {
    this.#around = around;
    const { queue, breaker, events, ramp, random } = around;
    queue.onWork(() => this.#wake());
    breaker.addProber('canary', { wants: () => this.#hasCanary(), probe: () => this.#wake() });
    events.on('deactivated', () => {
      ramp.reset();
      this.#pause(random() * startJitter);
      queue.recovered();
    });
  }

  get inFlight(): number {
    return this.#running.size;
  }

  start(): void {
    this.#stopped = false;
    this.#wake();
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

  /** Notifications come from requests: the replays must not run in their contexts. */
  #wake(): void {
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
    const { clock, queue, breaker } = this.#around;
    if (this.#stopped) return;
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
    const claims = queue.claim({ max: room, admits });
    for (const [index, claim] of claims.entries()) {
      const permit = permits[index];
      if (!permit) continue;
      const replay = this.#replay(claim, permit)
        .catch(this.#complain)
        .finally(() => {
          this.#running.delete(replay);
          this.#wake();
        });
      this.#running.add(replay);
    }
    const { nextDue } = queue;
    this.#sleep(nextDue === undefined ? longestSleep : nextDue - clock.now());
  }

  #sleep(ms: number): void {
    this.#cancelSleep?.();
    const wait = Math.max(1, Math.min(ms, longestSleep));
    this.#cancelSleep = this.#around.clock.after(wait, () => this.#wake());
  }

  readonly #complain = (error: unknown): void => {
    this.#around.events.emit('warning', {
      message: `A replay failed in the kit: ${String(error)}`,
    });
  };

  /** No new heads for so long; a longer pause that runs already stays. */
  #pause(ms: number): void {
    const until = this.#around.clock.elapsed() + Math.min(ms, longestPause);
    this.#pausedUntil = Math.max(this.#pausedUntil, until);
  }

  /** Live traffic goes first, but the drain always keeps one slot. */
  get #room(): number {
    const { ramp, policy } = this.#around;
    return Math.min(ramp.limit, Math.max(1, policy.bulkhead.free)) - this.#running.size;
  }

  #hasCanary(): boolean {
    const { queue, clock } = this.#around;
    if (this.#stopped || this.#running.size > 0 || clock.elapsed() < this.#pausedUntil)
      return false;
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
        if (write) verdict = await this.#send(claim, write, permit);
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

  async #send(claim: Claim, write: DeclaredWrite, permit: Permit): Promise<QueueVerdict> {
    const { record } = claim;
    const found = await this.#reconcile(record, write, permit);
    if (found) return found;
    if (!claim.held(write.timeoutMs)) return { kind: 'release' };
    try {
      await claim.sending(!write.idempotent);
    } catch {
      return this.#again(record, 'store_failed', { delayMs: shortDelay, backsOff: false });
    }
    return this.#call(record, write, permit);
  }

  /** Before a write that may have been applied is sent again: was it? */
  async #reconcile(
    record: OperationRecord,
    write: DeclaredWrite,
    permit: Permit,
  ): Promise<QueueVerdict | undefined> {
    const { clock } = this.#around;
    if (write.idempotent || record.sentAt === undefined) return undefined;
    const { reconcile } = write;
    if (!reconcile)
      return { kind: 'stop', reason: 'unknown', error: record.lastError ?? 'interrupted' };
    const { sentAt } = record;
    try {
      const found = await this.#through(write, new Permit(() => {}), (signal) =>
        reconcile(record.input, { ...contextOf(record, signal), sentAt }),
      );
      if (found === 'applied') {
        permit.succeed();
        write.applied(record);
        return { kind: 'done' };
      }
      const left = sentAt + write.reconcileFor - clock.now();
      if (found === 'absent' && left <= 0) return undefined;
      const wait =
        found === 'absent' ? Math.min(this.#backoff(record), left) : this.#backoff(record);
      return this.#again(record, 'reconcile_pending', { delayMs: wait });
    } catch (error) {
      const failed = this.#around.classify(error);
      if (countsAgainstUpstream(failed)) this.#blame(record, permit, failed);
      return this.#again(record, failed.code, { untilRecovery: true });
    }
  }

  async #call(
    record: OperationRecord,
    write: DeclaredWrite,
    permit: Permit,
  ): Promise<QueueVerdict> {
    const { evidence, ramp } = this.#around;
    try {
      await this.#through(write, new Permit(() => {}), (signal) =>
        write.run(record.input, contextOf(record, signal)),
      );
    } catch (error) {
      return this.#failed(record, write, permit, this.#around.classify(error));
    }
    permit.succeed();
    evidence.succeeded(record.id);
    ramp.succeeded();
    this.#counted.delete(record.id);
    write.applied(record);
    return { kind: 'done' };
  }

  #failed(
    record: OperationRecord,
    write: DeclaredWrite,
    permit: Permit,
    failed: Failure,
  ): QueueVerdict {
    const { ramp, evidence, clock } = this.#around;
    const { code: error } = failed;
    if (failed.local) return this.#again(record, error, { delayMs: shortDelay, backsOff: false });
    if (countsAgainstUpstream(failed)) {
      ramp.failed();
      evidence.failed(record.id);
      this.#blame(record, permit, failed);
    }
    switch (failed.label) {
      case 'unavailable':
        return this.#again(record, error, { untilRecovery: true });
      case 'throttled': {
        ramp.failed();
        const pause = failed.retryAfterMs ?? this.#backoff(record);
        this.#pause(pause);
        return this.#again(record, error, { delayMs: Math.min(pause, longestPause) });
      }
      case 'unauthorized':
        return { kind: 'stop', reason: 'unauthorized', error };
      case 'rejected': {
        const gone = write.effect === 'delete' && (failed.status === 404 || failed.status === 410);
        if (gone) write.applied(record);
        return gone ? { kind: 'done' } : { kind: 'dead', reason: 'rejected', error };
      }
      case 'unknown': {
        if (!write.idempotent && !write.reconcile)
          return { kind: 'stop', reason: 'unknown', error };
        const charge = evidence.against(record);
        if (charge && record.attempts + 1 >= mostAttempts)
          return { kind: 'dead', reason: 'poison', error };
        return this.#again(record, error, { charge, sentAt: clock.now() });
      }
    }
  }

  /** Of one operation only the first failure since the breaker last closed counts: it may be to blame itself. */
  #blame(record: OperationRecord, permit: Permit, { code }: Failure): void {
    const { closings } = this.#around.breaker;
    if (this.#counted.get(record.id) === closings) permit.release();
    else permit.fail(code);
    this.#counted.set(record.id, closings);
  }

  #again(
    record: OperationRecord,
    error: string,
    how: {
      delayMs?: number;
      charge?: boolean;
      sentAt?: number;
      untilRecovery?: boolean;
      backsOff?: boolean;
    },
  ): QueueVerdict {
    return {
      kind: 'retry',
      delayMs: how.delayMs ?? this.#backoff(record),
      charge: how.charge ?? false,
      error,
      sentAt: how.sentAt ?? record.sentAt,
      untilRecovery: how.untilRecovery ?? false,
      backsOff: how.backsOff ?? true,
    };
  }

  /** Full jitter over an exponential backoff. */
  #backoff({ failures }: OperationRecord): number {
    const [ceiling] = noJitterGenerator(failures, laneBackoff);
    return this.#around.random() * ceiling;
  }

  #through<T>(
    write: DeclaredWrite,
    permit: Permit,
    run: (signal: AbortSignal) => PromiseLike<T> | T,
  ): Promise<T> {
    const { policy, breaker, events } = this.#around;
    return policy.call({
      run: (context) => run(context.signal),
      breaker,
      permit,
      reserved: true,
      timeoutMs: write.timeoutMs,
      signal: undefined,
      onAttempt: (_number, failed) =>
        events.emit('attempt', { operation: write.name, result: failed?.label ?? 'success' }),
    });
  }

  #tell({ id, operation }: OperationRecord, verdict: QueueVerdict): void {
    const { events } = this.#around;
    if (verdict.kind === 'done') events.emit('queue', { event: 'replayed', operation });
    if (verdict.kind === 'retry')
      events.emit('queue', { event: 'retried', operation, reason: verdict.error });
    if (verdict.kind !== 'retry') this.#counted.delete(id);
  }
}

function contextOf({ id, createdAt }: OperationRecord, signal: AbortSignal): WriteContext {
  return { signal, idempotencyKey: id, createdAt };
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
