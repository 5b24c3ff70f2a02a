/** Which keys stand under a name. */

/** Keys by name, in the order in which they came. */
export class KeyIndex {
  readonly #keys = new Map<string, Set<string>>();

  /** A key stands under other names from now on. An answer that comes again mostly has those it had. */
  move(key: string, from: readonly string[], to: readonly string[]): void {
    if (from.length === to.length && from.every((name, index) => name === to[index])) return;
    for (const name of from) this.remove(name, key);
    for (const name of to) this.add(name, key);
  }

  of(name: string): readonly string[] {
    return [...(this.#keys.get(name) ?? [])];
  }

  add(name: string, key: string): void {
    const keys = this.#keys.get(name) ?? new Set();
    this.#keys.set(name, keys.add(key));
  }

  remove(name: string, key: string): void {
    const keys = this.#keys.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(name);
  }
}
