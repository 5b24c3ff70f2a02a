/** Looks for what the upstream has acknowledged, until it is there, or has not been for too long. */

import { tellAttempt } from '../attempt.ts';
import { freePermit } from '../breaker/permit.ts';
import { type Clock, runOutside } from '../clock.ts';
import type { DeclaredWrite } from '../declared-write.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Json } from '../json.ts';
import type { Policy } from '../policy/policy.ts';
import type { DeclaredConfirmation } from './confirmation.ts';
import type { LaneQueue } from './lane-queue.ts';
import type { OperationRecord } from './operation-record.ts';
import { Patience } from './patience.ts';

interface ConfirmerSurroundings {
  readonly queue: LaneQueue;
  readonly policy: Policy;
  readonly writes: ReadonlyMap<string, DeclaredWrite>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  readonly health: { suspect(): void };
}

/** Writes that are looked for together. */
interface Group {
  readonly write: DeclaredWrite;
  readonly confirm: DeclaredConfirmation<Json>;
  readonly ids: Set<string>;
  /** Monotonic time of the next look, in ms. */
  dueAt: number;
  interval: number;
  looking: boolean;
  /** Monotonic time since which every look failed, in ms; and whether that was said. */
  failingSince: number | undefined;
  told: boolean;
}

/** Looks under way at once, of all groups. */
const mostAtOnce = 4;
/** One that was sent again so often and not seen may be what stops the upstream. */
const mostResends = 3;

/** One look at most for a group and interval; the interval grows while nothing is seen. */
export class Confirmer {
  readonly #around: ConfirmerSurroundings;
  readonly #maxAge: number;
  readonly #groups = new Map<string, Group>();
  readonly #patience = new Map<string, Patience>();
  #looking = 0;
  #stopped = true;
  #cancel: Undo | undefined;

  constructor(around: ConfirmerSurroundings, maxAge: number) {
    this.#around = around;
    this.#maxAge = maxAge;
    around.queue.accepted.onChange((record, how) => {
      if (how === 'accepted') this.#add(record);
      else this.#patienceOf(record.operation).confirmed(record, around.clock.now());
    });
  }

  /** Takes up what is accepted already: that of an earlier process, of a write that is declared only now. */
  start(): void {
    this.#stopped = false;
    for (const record of this.#around.queue.accepted) this.#add(record);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Whether writes are acknowledged and none of them has been seen for too long. */
  get stalled(): boolean {
    return [...this.#patience.values()].some(({ stalled }) => stalled);
  }

  #add(record: OperationRecord): void {
    const { writes, clock } = this.#around;
    const write = writes.get(record.operation);
    const { confirm } = write ?? {};
    if (!write || !confirm) return;
    if (record.unconfirmedAt !== undefined) this.#patienceOf(record.operation).exhausted(record);
    const key = `${record.operation}\u0000${confirm.together(record.input)}`;
    const known = this.#groups.get(key);
    if (known) {
      known.ids.add(record.id);
      return;
    }
    const { interval } = confirm;
    const dueAt = clock.elapsed() + this.#jittered(interval);
    const ids = new Set([record.id]);
    const group = { write, confirm, ids, dueAt, interval, looking: false };
    this.#groups.set(key, { ...group, failingSince: undefined, told: false });
    this.#schedule();
  }

  #patienceOf(operation: string): Patience {
    const known = this.#patience.get(operation);
    if (known) return known;
    const patience = new Patience(this.#around.queue.confirmations(operation));
    this.#patience.set(operation, patience);
    return patience;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel?.();
    this.#cancel = undefined;
    const { clock } = this.#around;
    const waiting = [...this.#groups.values()].filter(({ looking }) => !looking);
    if (waiting.length === 0 || this.#looking >= mostAtOnce) return;
    const next = waiting.reduce((first, { dueAt }) => Math.min(first, dueAt), Number.MAX_VALUE);
    this.#cancel = clock.after(Math.max(1, next - clock.elapsed()), () => this.#lookAtDue());
  }

  #lookAtDue(): void {
    const now = this.#around.clock.elapsed();
    for (const [key, group] of this.#groups) {
      if (this.#stopped || this.#looking >= mostAtOnce) break;
      if (!group.looking && group.dueAt <= now) runOutside(() => void this.#look(key, group));
    }
    this.#schedule();
  }

  /** Never rejects. */
  async #look(key: string, group: Group): Promise<void> {
    const { events, clock } = this.#around;
    group.looking = true;
    this.#looking += 1;
    let seen = 0;
    try {
      seen = await this.#confirmed(group);
    } catch (error) {
      events.emit('warning', { message: `Looking for what was acknowledged failed: ${error}` });
    }
    this.#looking -= 1;
    group.looking = false;
    if (group.ids.size === 0) this.#groups.delete(key);
    const { interval, maxInterval } = group.confirm;
    group.interval = seen > 0 ? interval : Math.min(2 * group.interval, maxInterval);
    group.dueAt = clock.elapsed() + this.#jittered(group.interval);
    this.#schedule();
  }

  /** How many of a group were seen. While their breaker is open nothing is asked, and nothing proved. */
  async #confirmed(group: Group): Promise<number> {
    const { write, confirm, ids } = group;
    const { queue } = this.#around;
    const records = [...ids].flatMap((id) => queue.accepted.get(id) ?? []);
    for (const id of ids) {
      if (queue.accepted.get(id)) continue;
      ids.delete(id);
      this.#patienceOf(write.name).forget(id);
    }
    if (records.length === 0 || write.flow.breaker.state.kind !== 'closed') return 0;
    const found = await this.#found(write, confirm, records);
    if (this.#stopped) return 0;
    if (!found) {
      this.#failed(group);
      return 0;
    }
    group.failingSince = undefined;
    group.told = false;
    const there = records.filter(({ id }) => found.has(id));
    for (const record of there) {
      if (!queue.accepted.confirm(record.id)) continue;
      write.applied(record);
      ids.delete(record.id);
    }
    for (const record of records) if (!found.has(record.id)) await this.#judge(record, write);
    return there.length;
  }

  /** A look that failed proves nothing; but nobody must believe that all is well. */
  #failed(group: Group): void {
    const { clock, events } = this.#around;
    const { within } = group.confirm;
    group.failingSince ??= clock.elapsed();
    const failingMs = clock.elapsed() - group.failingSince;
    if (group.told || within === false || failingMs < within) return;
    group.told = true;
    events.emit('warning', {
      message: `Looking for acknowledged writes of '${group.write.name}' has failed for ${Math.round(failingMs / 1_000)} s: nobody knows whether they have arrived`,
    });
  }

  async #found(
    write: DeclaredWrite,
    { look }: DeclaredConfirmation<Json>,
    records: readonly OperationRecord[],
  ): Promise<ReadonlySet<string> | undefined> {
    const { flow, timeoutMs } = write;
    const writes = records.map(({ id, input, acceptedAt = 0 }) => ({ id, input, acceptedAt }));
    try {
      const found = await this.#around.policy.call({
        run: async ({ signal }) => look(writes, { signal }),
        breaker: flow.breaker,
        permit: freePermit(),
        timeoutMs,
        signal: undefined,
        onAttempt: (_number, failed) => tellAttempt(this.#around, write, failed),
      });
      return new Set(found);
    } catch {
      return undefined;
    }
  }

  /** What becomes of one that was not seen. */
  async #judge(record: OperationRecord, { name, confirm, flow }: DeclaredWrite): Promise<void> {
    const { queue, clock } = this.#around;
    const { accepted } = queue;
    const { id, resends = 0 } = record;
    const now = clock.now();
    if (now - record.enqueuedAt > this.#maxAge) return accepted.giveUp(id, 'expired');
    const patience = this.#patienceOf(name);
    // What was not seen while the breaker was open says nothing.
    const closedFor = clock.elapsed() - flow.breaker.closedAt;
    const waitedMs = Math.min(patience.waitedMs(record, now), closedFor);
    const within = confirm?.within ?? false;
    // One that waited in vain before it was overtaken has waited enough.
    const over = record.unconfirmedAt !== undefined && patience.isOvertaken(record);
    if (!confirm || within === false || (waitedMs < within && !over)) return;
    patience.exhausted(record);
    accepted.unconfirmed(id);
    if (confirm.unconfirmed === 'report') return;
    const hopeless = confirm.unconfirmed === 'dead_letter' || resends >= mostResends;
    if (hopeless) return accepted.giveUp(id, 'unconfirmed');
    if (patience.isOvertaken(record) || this.#mayTry(record)) await accepted.resend(id);
  }

  /** One alone is sent again to try: the oldest, when no other is on its way that would show the same. */
  #mayTry({ id, operation }: OperationRecord): boolean {
    const { queue, writes } = this.#around;
    const flow = writes.get(operation)?.flow;
    if (flow && queue.holds(flow.operations)) return false;
    for (const other of queue.accepted) {
      if (other.operation !== operation) continue;
      if (other.unconfirmedAt === undefined) return false;
    }
    for (const other of queue.accepted) if (other.operation === operation) return other.id === id;
    return false;
  }

  #jittered(ms: number): number {
    return ms * (0.9 + 0.2 * this.#around.random());
  }
}
