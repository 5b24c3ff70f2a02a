/** How long the last commits took. */

const kept = 512;

/** A sample of the last 512. */
export class CommitTimes {
  readonly #times: number[] = [];
  #count = 0;

  /** Notes one, in ms. */
  add(ms: number): void {
    this.#times[this.#count % kept] = ms;
    this.#count += 1;
  }

  /** How many there were, and how long half and all but one in a hundred of the last took at most. */
  summary(): { readonly count: number; readonly p50Ms: number; readonly p99Ms: number } {
    const sorted = [...this.#times].sort((one, other) => one - other);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    return { count: this.#count, p50Ms: at(0.5), p99Ms: at(0.99) };
  }
}
