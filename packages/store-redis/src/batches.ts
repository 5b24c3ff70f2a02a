/** Collects what arrives while so many batches are out. */

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Items that are sent together. */
export class Batches<Item, Result> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #most: number;
  readonly #atOnce: number;
  #waiting: Waiting<Item, Result>[] = [];
  #out = 0;

  constructor(
    send: (items: readonly Item[]) => Promise<readonly Result[]>,
    { most, atOnce }: { readonly most: number; readonly atOnce: number },
  ) {
    this.#send = send;
    this.#most = most;
    this.#atOnce = atOnce;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#out >= this.#atOnce) return;
      this.#out += 1;
      void this.#flush();
    });
  }

  /** What comes of one turn of the loop goes together. */
  async #flush(): Promise<void> {
    for (await turn(); this.#waiting.length > 0; await turn()) {
      const batch = this.#waiting.splice(0, this.#most);
      try {
        const results = await this.#send(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#out -= 1;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
