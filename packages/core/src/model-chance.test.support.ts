/** Chance that falls alike for the same seed, so that a run can be repeated. */
export interface Chance {
  /** Begins anew: what falls from here on does not depend on what fell before. */
  reseed(seed: number): void;
  /** From 0 to 1, without 1. */
  next(): number;
  /** True in this share of the cases. */
  happens(share: number): boolean;
  /** From 0 to below the limit, not rounded. */
  below(limit: number): number;
  pick<Item>(...items: readonly [Item, ...Item[]]): Item;
}

/** Source: mulberry32, by Tommy Ettinger. */
export function seededChance(seed = 0): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    reseed(next) {
      state = next >>> 0;
    },
    next,
    happens: (share) => next() < share,
    below: (limit) => next() * limit,
    pick: (...items) => items[Math.floor(next() * items.length)] ?? items[0],
  };
}
