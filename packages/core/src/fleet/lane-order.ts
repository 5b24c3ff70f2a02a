/** Who came first to a lane goes first, also where it takes a while to find out where to. */

/** Decisions of one lane, one after another; what follows from them runs side by side. */
export class LaneOrder {
  readonly #last = new Map<string, Promise<void>>();

  /** Whether all who came to these lanes have decided: who need not find anything out goes at once. */
  isFree(lanes: readonly string[]): boolean {
    return lanes.every((lane) => !this.#last.has(lane));
  }

  /** Calls `decide` when all who came before in these lanes have decided, and at once what it gives. */
  run<T>(lanes: readonly string[], decide: () => Promise<() => Promise<T>>): Promise<T> {
    const ahead = lanes.flatMap((lane) => this.#last.get(lane) ?? []);
    // Boxed: who comes next waits until this one has begun, not until it has ended.
    const begun = Promise.all(ahead).then(async () => ({ ended: (await decide())() }));
    const decided = begun.then(
      () => {},
      () => {},
    );
    for (const lane of lanes) {
      this.#last.set(lane, decided);
      void decided.then(() => {
        if (this.#last.get(lane) === decided) this.#last.delete(lane);
      });
    }
    return begun.then(({ ended }) => ended);
  }
}
