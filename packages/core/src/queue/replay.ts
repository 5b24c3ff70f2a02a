/** One replay of one queued operation: looked for, sent, and what its failure means. */

import { noJitterGenerator } from 'cockatiel';
import { tellAttempt } from '../attempt.ts';
import { freePermit, type Permit } from '../breaker/permit.ts';
import type { Clock } from '../clock.ts';
import type { DeclaredWrite } from '../declared-write.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import { countsAgainstUpstream, type Failure, isGone } from '../failure.ts';
import { withLastLook } from '../fleet/last-look.ts';
import type { WriteContext } from '../operation.ts';
import type { Policy } from '../policy/policy.ts';
import type { Claim, QueueVerdict } from './lane-queue.ts';
import type { OperationRecord } from './operation-record.ts';

interface ReplaySurroundings {
  readonly policy: Policy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  readonly health: { suspect(): void };
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
/** A lane that could not be sent for a local reason is looked at again after this time, in ms. */
const shortDelay = 250;

/** Makes replays; each ends in a verdict for the queue, and settles its permit. */
export class Replayer {
  readonly #around: ReplaySurroundings;
  /** For each operation that counted against the breaker, how often the breaker had closed by then. */
  readonly #counted = new Map<string, number>();

  constructor(around: ReplaySurroundings) {
    this.#around = around;
  }

  /** Sends the head that was claimed. */
  async replay(claim: Claim, write: DeclaredWrite, permit: Permit): Promise<QueueVerdict> {
    const verdict = await this.#send(claim, write, permit);
    if (verdict.kind !== 'retry') this.#counted.delete(claim.record.id);
    return verdict;
  }

  async #send(claim: Claim, write: DeclaredWrite, permit: Permit): Promise<QueueVerdict> {
    const { record } = claim;
    const { idempotent, timeoutMs } = write;
    if (!idempotent && record.sentAt !== undefined) {
      const found = await this.#reconcile(record, record.sentAt, write, permit);
      if (found) return found;
    }
    if (!claim.held(timeoutMs)) return { kind: 'release' };
    const noted = claim.sending(!idempotent);
    // What may be what kills its process is noted before it can.
    if (!idempotent || record.interruptions > 0) await noted;
    const until = this.#around.clock.elapsed() + timeoutMs;
    if (!claim.held(timeoutMs)) return { kind: 'release' };
    return this.#call(claim, until, write, permit);
  }

  /** Before a write that may have been applied is sent again: was it? */
  async #reconcile(
    record: OperationRecord,
    sentAt: number,
    write: DeclaredWrite,
    permit: Permit,
  ): Promise<QueueVerdict | undefined> {
    const { clock } = this.#around;
    const { reconcile } = write;
    if (!reconcile)
      return { kind: 'stop', reason: 'unknown', error: record.lastError ?? 'interrupted' };
    try {
      const found = await this.#through(write, freePermit(), (signal) =>
        reconcile(record.input, { ...contextOf(record, signal), sentAt }),
      );
      if (found === 'applied') {
        permit.succeed();
        const known = write.applied(record);
        if (known) await known;
        return { kind: 'done', seen: write.confirm !== undefined };
      }
      // A clock that was set back since must not hold the lane until it comes there again.
      const since = Math.min(sentAt, clock.now());
      const left = since + write.reconcileFor - clock.now();
      if (found === 'absent' && left <= 0) return undefined;
      const wait =
        found === 'absent' ? Math.min(this.#backoff(record), left) : this.#backoff(record);
      return this.#again(record, 'reconcile_pending', { delayMs: wait, sentAt: since });
    } catch (error) {
      const failed = this.#around.classify(error);
      if (countsAgainstUpstream(failed)) this.#blame(record, write, permit, failed);
      return this.#again(record, failed.code, { untilRecovery: true });
    }
  }

  async #call(
    { record, leased }: Claim,
    until: number,
    write: DeclaredWrite,
    permit: Permit,
  ): Promise<QueueVerdict> {
    const { evidence, ramp, rate } = write.flow;
    const { clock } = this.#around;
    const sentAt = clock.now();
    const isInTime = () => clock.elapsed() < until;
    try {
      await this.#through(write, freePermit(), (signal) => {
        const run = () => write.run(record.input, contextOf(record, signal));
        return leased ? withLastLook(isInTime, run) : run();
      });
    } catch (error) {
      return this.#failed(record, write, permit, this.#around.classify(error));
    }
    permit.succeed();
    evidence.succeeded(record.id);
    ramp.succeeded();
    rate.succeeded();
    this.#counted.delete(record.id);
    const known = write.applied(record);
    if (known) await known;
    return write.confirm?.applies(record.input) ? { kind: 'accepted', sentAt } : { kind: 'done' };
  }

  #failed(
    record: OperationRecord,
    write: DeclaredWrite,
    permit: Permit,
    failed: Failure,
  ): QueueVerdict {
    const { clock } = this.#around;
    const { ramp, evidence } = write.flow;
    const { code: error } = failed;
    if (failed.local) return this.#again(record, error, { delayMs: shortDelay, backsOff: false });
    if (countsAgainstUpstream(failed)) {
      ramp.failed();
      evidence.failed(record.id);
      this.#blame(record, write, permit, failed);
    }
    switch (failed.label) {
      case 'unavailable':
        return this.#again(record, error, { untilRecovery: true });
      case 'throttled': {
        ramp.failed();
        const asked = failed.retryAfterMs ?? this.#backoff(record);
        return this.#again(record, error, { delayMs: write.flow.throttled(asked) });
      }
      case 'unauthorized':
        return { kind: 'stop', reason: 'unauthorized', error };
      case 'rejected': {
        const gone = write.effect === 'delete' && isGone(failed);
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
  #blame(
    record: OperationRecord,
    { flow }: DeclaredWrite,
    permit: Permit,
    { code }: Failure,
  ): void {
    const { closings } = flow.breaker;
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
    return this.#around.policy.call({
      run: (context) => run(context.signal),
      breaker: write.flow.breaker,
      permit,
      reserved: true,
      timeoutMs: write.timeoutMs,
      signal: undefined,
      onAttempt: (_number, failed) => tellAttempt(this.#around, write, failed),
    });
  }
}

function contextOf({ id, createdAt }: OperationRecord, signal: AbortSignal): WriteContext {
  return { signal, idempotencyKey: id, createdAt };
}
