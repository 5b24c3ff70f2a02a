/** How many replays at once: additive increase, multiplicative decrease. */

/** Bounds of the ramp. */
export interface DrainOptions {
  /** Replays at once, at most; of as many again the outcome may still be on its way to the disk. @default 16 */
  readonly limit?: number;
}

/** A limit that creeps up with success and halves with failure. */
export class DrainRamp {
  readonly #most: number;
  #limit = 1;

  constructor(most: number) {
    this.#most = most;
  }

  get limit(): number {
    return this.#limit;
  }

  succeeded(): void {
    this.#limit = Math.min(this.#most, this.#limit + 1);
  }

  failed(): void {
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
  }

  /** Begins anew, with one. */
  reset(): void {
    this.#limit = 1;
  }
}
