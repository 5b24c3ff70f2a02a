/** What anybody may ask for must not cost the app more than a share of its time. */

/** However dear a look is, it is not older than this, in ms. */
const oldest = 1_000;
/** What takes less, in ms, is looked at anew each time. */
const cheap = 2;

/** A look that is not always one. */
export interface SeldomLook<T> {
  (): T;
  /** What was seen last holds no more: the next one looks. */
  forget(): void;
}

/** Looks so seldom that it takes that share of the time at most: in between, all get what was seen last. */
export function seldom<T>(shareOfTime: number, look: () => T): SeldomLook<T> {
  let last: { readonly value: T; readonly until: number } | undefined;
  // The first look takes longer than all others: its code is compiled meanwhile.
  let isFirst = true;
  const lookOrRecall = () => {
    const before = performance.now();
    if (last && before < last.until) return last.value;
    const value = look();
    const after = performance.now();
    const took = isFirst || after - before < cheap ? 0 : after - before;
    isFirst = false;
    last = { value, until: after + Math.min(oldest, took / shareOfTime) };
    return value;
  };
  return Object.assign(lookOrRecall, {
    forget() {
      last = undefined;
    },
  });
}
