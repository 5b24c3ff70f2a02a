/** The right to make one call, which must be given back with what came of it. */

/** Who may try a half-open upstream: a real call, the queue's canary, a health check. */
export type PermitHolder = 'call' | 'canary' | 'check';

/** What came of the call: `neutral` says nothing about the upstream. */
export type Verdict = 'success' | 'failure' | 'neutral';

/** Whoever gave a permit, and hears what came of it. */
export interface PermitGiver {
  settle(permit: Permit, verdict: Verdict, reason: string): void;
}

/** A permit is settled once; whatever is said after that is not heard. */
export class Permit {
  readonly by: PermitHolder;
  /** Which of its giver's states it was given in. */
  readonly epoch: number;
  /** Monotonic time, in ms, where it matters how long the call takes. */
  readonly since: number | undefined;
  #giver: PermitGiver | undefined;

  constructor(giver: PermitGiver, by: PermitHolder, epoch: number, since?: number) {
    this.#giver = giver;
    this.by = by;
    this.epoch = epoch;
    this.since = since;
  }

  succeed(): void {
    this.#end('success', '');
  }

  /** The upstream failed; `reason` is a short code. */
  fail(reason: string): void {
    this.#end('failure', reason);
  }

  /** Nothing was learnt: the caller's fault, a limit, an abort. */
  release(): void {
    this.#end('neutral', '');
  }

  #end(verdict: Verdict, reason: string): void {
    const giver = this.#giver;
    this.#giver = undefined;
    giver?.settle(this, verdict, reason);
  }
}

const nobody: PermitGiver = { settle() {} };

/** A permit for a call that no breaker looks at. */
export function freePermit(): Permit {
  return new Permit(nobody, 'call', 0);
}
