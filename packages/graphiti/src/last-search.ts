/** Remembers how the last search went: whoever searches has no need of a probe. */

/** How long a search that worked speaks for the embedder, in ms. */
const speaksFor = 300_000;

/** What the last search of any kind showed. */
export class LastSearch {
  #worked = true;
  #at = performance.now();

  /** Passes a search on, and remembers how it ended. */
  of<T>(search: Promise<T>): Promise<T> {
    search.then(
      () => this.#note(true),
      () => this.#note(false),
    );
    return search;
  }

  /** Whether it says too little by now: it failed, or it is long ago. */
  get doubtful(): boolean {
    return !this.#worked || performance.now() - this.#at > speaksFor;
  }

  #note(worked: boolean): void {
    this.#worked = worked;
    this.#at = performance.now();
  }
}
