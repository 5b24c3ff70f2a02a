/** A figure: one number of this project's speed, against what people use today. */

/** What is measured, and what it may cost. */
export interface Figure {
  readonly name: string;
  readonly what: string;
  readonly against: string;
  readonly budget: number;
  readonly better: 'higher' | 'lower';
  /** Unit of `value` and `baseline`. */
  readonly unit: string;
  /** Module in `figures/` whose `measure(name)` measures it, in a process of its own. */
  readonly file: string;
  /**
   * Processes that measure it, of which the middle one counts: what V8 makes of the same code differs from
   * process to process by more than a round from the next. @default 1
   */
  readonly processes?: number;
}

/** What a measurement came to. */
export interface Measured {
  /** The subject against the baseline; where there is nothing to divide by, the value over its unit. */
  readonly ratio: number;
  readonly value: number;
  readonly baseline: number;
  /** The baseline against itself, measured as the ratio is. */
  readonly noise: number;
  /** The same under other conditions, and other peers, against the same baseline. */
  readonly beside?: readonly Beside[];
}

/** A line for people below a figure. */
export interface Beside {
  readonly what: string;
  readonly ratio: number;
}

/** What a module in `figures/` exports. */
export interface Measurer {
  measure(name: string): Promise<Measured>;
}

/** Whether a measurement is within its figure's budget. */
export function isWithin({ budget, better }: Figure, { ratio }: Measured): boolean {
  return better === 'lower' ? ratio <= budget : ratio >= budget;
}
