/** The right to make one call, which must be given back with what came of it. */

/** Who may try a half-open upstream: a real call, the queue's canary, a health check. */
export type PermitHolder = 'call' | 'canary' | 'check';

/** What came of the call: `neutral` says nothing about the upstream. */
export type Verdict = 'success' | 'failure' | 'neutral';

/** A permit is settled once; whatever is said after that is not heard. */
export class Permit {
  #settle: ((verdict: Verdict, reason: string) => void) | undefined;

  constructor(settle: (verdict: Verdict, reason: string) => void) {
    this.#settle = settle;
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
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(verdict, reason);
  }
}
