/** Keys of texts that are asked for again and again: made once, and hashed once. */

/** Texts of one read whose keys are known; when there are more, it begins anew. */
const most = 1_000;
/** Longer texts are hardly ever asked for twice. */
const longest = 100;

/** What makes a key of a text: an id, most often. */
export class TextKeys {
  readonly #make: (text: string) => string;
  readonly #known = new Map<string, string>();

  constructor(make: (text: string) => string) {
    this.#make = make;
  }

  of(text: string): string {
    return this.#known.get(text) ?? this.#new(text);
  }

  #new(text: string): string {
    const key = this.#make(text);
    if (text.length > longest) return key;
    if (this.#known.size >= most) this.#known.clear();
    this.#known.set(text, key);
    return key;
  }
}
