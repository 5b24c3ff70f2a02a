/** Which keys stand under a name. */

/** Keys by name, in the order in which they came. */
export class KeyIndex {
  readonly #keys = new Map<string, Set<string>>();

  add(name: string, key: string): void {
    const keys = this.#keys.get(name) ?? new Set();
    this.#keys.set(name, keys.add(key));
  }

  remove(name: string, key: string): void {
    const keys = this.#keys.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(name);
  }

  of(name: string): readonly string[] {
    return [...(this.#keys.get(name) ?? [])];
  }
}
