/** Reads under way: what happens after one began, its late answer must not undo. */

/** Happenings of each kind that are remembered for reads under way. */
const maxRemembered = 10_000;

/** What a late answer is worth: as it came, stale from the start, or nothing. */
export type Worth = 'fresh' | 'stale' | 'nothing';

/** Counts what happens, while anybody reads, in moments of its own: clocks may be set back. */
export class ReadsUnderWay {
  #readers = 0;
  /** By name, in the order in which they happened. */
  readonly #expired = new Map<string, number>();
  readonly #removed = new Map<string, number>();
  readonly #settled = new Map<string, number>();
  #moment = 0;
  /** What happened until then is not known one by one: whoever began before knows nothing for certain. */
  #blurred = 0;

  /** Begins a read, and gives its moment; it must be ended once. */
  begin(): number {
    this.#readers += 1;
    this.#moment += 1;
    return this.#moment;
  }

  end(): void {
    this.#readers -= 1;
    if (this.#readers > 0 || this.#quiet) return;
    // Whoever comes later knows all that happened before.
    for (const happened of [this.#expired, this.#removed, this.#settled]) happened.clear();
  }

  /** The entity changed; as one text, as all entities here. */
  expired(entity: string): void {
    this.#note(this.#expired, entity);
  }

  /** The entity is gone. */
  removed(entity: string): void {
    this.#note(this.#removed, entity);
  }

  /** The answer of a key was taken away, or put in place by somebody who knows. */
  settled(key: string): void {
    this.#note(this.#settled, key);
  }

  /** Everything may be different now. */
  cleared(): void {
    this.#blurred = ++this.#moment;
  }

  /** What the answer of a read that began at a moment is worth by now. */
  worth(began: number, key: string, entities: readonly string[]): Worth {
    if (this.#blurred > began) return 'nothing';
    if (this.#quiet) return 'fresh';
    const since = (happened: Map<string, number>) => (name: string) =>
      (happened.get(name) ?? 0) > began;
    if (since(this.#settled)(key) || entities.some(since(this.#removed))) return 'nothing';
    return entities.some(since(this.#expired)) ? 'stale' : 'fresh';
  }

  get #quiet(): boolean {
    return this.#expired.size + this.#removed.size + this.#settled.size === 0;
  }

  #note(happened: Map<string, number>, name: string): void {
    if (this.#readers === 0) return;
    // Keeps the order in which things happen: a later one goes to the end.
    happened.delete(name);
    happened.set(name, ++this.#moment);
    if (happened.size <= maxRemembered) return;
    const [oldest] = happened;
    if (!oldest) return;
    happened.delete(oldest[0]);
    this.#blurred = Math.max(this.#blurred, oldest[1]);
  }
}
