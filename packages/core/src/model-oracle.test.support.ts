/** Tells from a history what the kit promised and did not keep. */

/** One write as its caller saw it. */
export interface ModelWrite {
  /** Counts up in the order in which the writes were made. */
  readonly number: number;
  readonly lane: string;
  /** `live` ones are never kept. */
  readonly kind: 'idempotent' | 'reconciled' | 'live';
  /** Writes of one call have one answer, and so one call's number. */
  readonly call: number;
  /**
   * `volatile`: queued in memory; `stored`: local, until the end; `untold`: the process ended before there
   * was an answer, or with what was volatile; `untold local`: the same where it may have been stored.
   */
  answer:
    | 'none'
    | 'applied'
    | 'queued'
    | 'volatile'
    | 'stored'
    | 'refused'
    | 'untold'
    | 'untold local';
  /** Why it was refused. */
  code?: string;
}

/** One application of a write upstream. */
export interface Application {
  readonly number: number;
  /** An upstream that honours it has each write once, however often it was sent. */
  readonly key: string;
}

/** What happened in one run, from the first call until long after the upstream is well again. */
export interface History {
  readonly writes: readonly ModelWrite[];
  /** Numbers of writes, with their idempotency keys, in the order in which the upstream applied them. */
  readonly applied: readonly Application[];
  /** What was seen to be wrong on the way, in words that begin with the kind of the finding. */
  readonly wrong: readonly string[];
  /** Timers set per simulated second in each phase in which nobody wrote. */
  readonly timerRates: readonly number[];
}

/** More timers per second than this while nobody writes is a loop that spins. */
const mostTimers = 50;

/** What is wrong with a history, in words that begin with the kind of the finding. */
export function findings({ writes, applied, wrong, timerRates }: History): readonly string[] {
  const numbers = applied.map(({ number }) => number);
  const times = new Map<number, number>();
  for (const number of numbers) times.set(number, (times.get(number) ?? 0) + 1);
  const count = ({ number }: ModelWrite) => times.get(number) ?? 0;
  const acknowledged = writes.filter(({ answer }) =>
    ['applied', 'queued', 'volatile', 'stored'].includes(answer),
  );
  return [
    ...wrong,
    ...timerRates
      .filter((rate) => rate > mostTimers)
      .map((rate) => `hot: ${Math.round(rate)} timers a second`),
    ...writes.filter(({ answer }) => answer === 'none').map((write) => told('unsettled', write)),
    ...acknowledged.filter((write) => count(write) === 0).map((write) => told('lost', write)),
    ...writes
      .filter((write) => write.kind === 'reconciled' && count(write) > 1)
      .map((write) => told('doubled', write)),
    ...rekeyed(writes, applied),
    ...refusedButApplied(writes, new Set(numbers)),
    ...inversions(writes, numbers),
  ];
}

/** Sent again under another key, a write has its effect twice also where the upstream knows keys. */
function rekeyed(
  writes: readonly ModelWrite[],
  applied: readonly Application[],
): readonly string[] {
  const keys = new Map<number, string>();
  return applied.flatMap(({ number, key }) => {
    const first = keys.get(number) ?? key;
    keys.set(number, first);
    const write = writes[number];
    return write && first !== key ? [told('rekeyed', write)] : [];
  });
}

/** A call of several is refused because of one of them: those before it may have been applied. */
function refusedButApplied(
  writes: readonly ModelWrite[],
  applied: ReadonlySet<number>,
): readonly string[] {
  const calls = new Map<number, ModelWrite>();
  for (const write of writes) calls.set(write.call, write);
  return [...calls.values()]
    .filter(({ answer, code = '' }) => answer === 'refused' && saysNotApplied(code))
    .filter(({ number }) => applied.has(number))
    .map((last) => told('refused but applied', last));
}

/** What the upstream itself said, or a deadline, leaves it open. */
function saysNotApplied(code: string): boolean {
  return /^FALLBACK_(?!UNKNOWN_OUTCOME|TIMEOUT)/.test(code);
}

/** A repeated older write undoes a newer one: the first application is not all that counts. */
function inversions(writes: readonly ModelWrite[], applied: readonly number[]): readonly string[] {
  const newest = new Map<string, ModelWrite>();
  return applied.flatMap((number) => {
    const write = writes[number];
    if (!write) return [`invented: ${number} was never made`];
    // Local ones come when somebody syncs: at the tail.
    if (write.answer === 'stored' || write.answer === 'untold local') return [];
    const before = newest.get(write.lane);
    if (!before || before.number <= number) {
      newest.set(write.lane, write);
      return [];
    }
    return [`${told('inverted', write)} after ${JSON.stringify(before)}`];
  });
}

function told(kind: string, write: ModelWrite): string {
  return `${kind}: ${JSON.stringify(write)}`;
}
