/** Keys of one read: what makes two calls the same, and the flight in the air that they share. */

import type { Flight } from './single-flight.ts';

/** Texts whose keys are kept; when there are more, it begins anew with those that are asked for just then. */
const usual = 1_000;
/** Longer texts are hardly ever asked for twice. */
const longest = 100;

/** A key. One that is kept is the same object for equal calls, and need not be looked up again. */
export class ReadKey<Value> {
  readonly text: string;
  readonly kept: boolean;
  flight: Flight<Value> | undefined = undefined;

  constructor(text: string, kept: boolean) {
    this.text = text;
    this.kept = kept;
  }
}

/** Keeps the keys of short texts, ids most often: made once, and hashed once. */
export class ReadKeys<Value> {
  readonly #make: (text: string) => string;
  #known = new Map<string, ReadKey<Value>>();
  #most = usual;

  constructor(make: (text: string) => string) {
    this.#make = make;
  }

  of(text: string): ReadKey<Value> {
    return this.#known.get(text) ?? this.#new(text);
  }

  #new(text: string): ReadKey<Value> {
    const key = new ReadKey<Value>(this.#make(text), text.length <= longest);
    if (!key.kept) return key;
    if (this.#known.size >= this.#most) this.#beginAnew();
    this.#known.set(text, key);
    return key;
  }

  /** Whoever asks for what is in the air must still find it; twice as many, so that it is rare with many, too. */
  #beginAnew(): void {
    this.#known = new Map([...this.#known].filter(([, { flight }]) => flight));
    this.#most = Math.max(usual, 2 * this.#known.size);
  }
}
