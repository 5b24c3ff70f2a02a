/** A fault: how it is caused, and what came of it. */

import type { Oracle } from './oracle.ts';

/** How much is done. */
export interface Effort {
  readonly quick: boolean;
  readonly oracle: Oracle;
  /** A folder for this fault alone. */
  readonly folder: string;
  /** Chance that can be repeated: 0 to below 1. */
  readonly random: () => number;
}

/** What came of the runs of a fault. */
export interface Counts {
  readonly runs: number;
  readonly acknowledged: number;
  /** Acknowledged changes that are gone. */
  readonly lost: number;
  /** Changes that nobody made, or in another order. */
  readonly wrong: number;
  /** Runs with a loss that the store did not report. */
  readonly undetected: number;
  /** A few of them, in words. */
  readonly examples: readonly string[];
  /** What is in `wrong`, and what is allowed, by name. */
  readonly more?: Readonly<Record<string, number>>;
}

/** One fault. */
export interface Fault {
  readonly name: string;
  /** A loss is what the fault is about: it has to be reported, and to be no larger than the damage. */
  readonly damages?: true;
  /** Something that keeps data safe is taken out: unless that is found out, the oracle is blind. */
  readonly mutation?: true;
  /** Left out of `--quick`. */
  readonly long?: true;
  /** Why it cannot be caused here. */
  readonly missing?: () => Promise<string | undefined>;
  run(effort: Effort): Promise<Counts>;
}

/** Adds up what verdicts say. */
export class Tally {
  #runs = 0;
  #acknowledged = 0;
  #lost = 0;
  #wrong = 0;
  #undetected = 0;
  readonly #examples: string[] = [];

  /** One run more: what is new in it. */
  add(verdict: {
    readonly acknowledged: number;
    readonly lost: readonly string[];
    readonly wrong: readonly string[];
    readonly reported: boolean;
  }): void {
    const { acknowledged, lost, wrong, reported } = verdict;
    this.#runs += 1;
    this.#acknowledged += acknowledged;
    this.#lost += lost.length;
    this.#wrong += wrong.length;
    if (lost.length > 0 && !reported) this.#undetected += 1;
    for (const example of [...wrong, ...lost])
      if (this.#examples.length < 5) this.#examples.push(`run ${this.#runs}: ${example}`);
  }

  get counts(): Counts {
    return {
      runs: this.#runs,
      acknowledged: this.#acknowledged,
      lost: this.#lost,
      wrong: this.#wrong,
      undetected: this.#undetected,
      examples: this.#examples,
    };
  }
}
