/** Retries as a share of calls, so that they cannot multiply an outage. */

/** What retries may cost. */
export interface RetryBudget {
  /** Each first try earns a little. */
  deposit(): void;
  /** Each retry costs one; false when nothing is left. */
  withdraw(): boolean;
}

/** Creates a budget of `share` of the calls, and `reserve` at hand in quiet times. */
export function createRetryBudget(share: number, reserve: number): RetryBudget {
  let balance = reserve;
  return {
    deposit() {
      balance = Math.min(reserve, balance + share);
    },
    withdraw() {
      if (balance < 1) return false;
      balance -= 1;
      return true;
    },
  };
}
