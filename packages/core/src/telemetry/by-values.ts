/** What belongs to a set of attributes, found by their values. */

type Branch<T> = Map<string, Branch<T> | T>;

/**
 * Keeps one thing for each list of values, by one lookup a value: a key joined from them would have to be
 * made each time. All lists of one table are equally long.
 */
export class ByValues<T> {
  readonly #create: (values: readonly string[]) => T;
  readonly #root: Branch<T> = new Map();
  readonly #all: T[] = [];

  constructor(create: (values: readonly string[]) => T) {
    this.#create = create;
  }

  /** All there is, in the order in which it was first asked for. */
  get all(): readonly T[] {
    return this.#all;
  }

  /** What belongs to some values; created where they are new. */
  at(values: readonly string[]): T {
    let found: Branch<T> | T | undefined = values.length > 0 ? this.#root : this.#root.get('');
    for (const value of values) found = (found as Branch<T> | undefined)?.get(value);
    return (found as T | undefined) ?? this.#add(values);
  }

  #add(values: readonly string[]): T {
    const created = this.#create(values);
    this.#all.push(created);
    let branch = this.#root;
    for (const value of values.slice(0, -1)) {
      const next = (branch.get(value) as Branch<T> | undefined) ?? new Map();
      branch.set(value, next);
      branch = next;
    }
    branch.set(values.at(-1) ?? '', created);
    return created;
  }
}
