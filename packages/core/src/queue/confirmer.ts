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
import { type Moment, Patience } from './patience.ts';

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
  /** When it looks next. */
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(around: ConfirmerSurroundings, maxAge: number) {
    this.#around = around;
    this.#maxAge = maxAge;
    around.queue.accepted.onChange((record, how) => {
      if (how === 'taken_up') this.#takeUp(record);
      else if (how === 'confirmed')
        this.#patienceOf(record.operation).confirmed(record, this.#now());
      else {
        this.#patienceOf(record.operation).accepted(record, this.#now());
        this.#add(record);
      }
    });
  }

  /** Takes up what is accepted already: that of an earlier process, of a write that is declared only now. */
  start(): void {
    this.#stopped = false;
    for (const record of this.#around.queue.accepted) this.#takeUp(record);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Whether writes are acknowledged and none of them has been seen for too long. */
  get stalled(): boolean {
    const { queue } = this.#around;
    const stands = (id: string) => {
      const record = queue.accepted.get(id);
      if (record) return record.doubted === undefined;
      const report = queue.get(id);
      return report !== undefined && report.endedAt === undefined;
    };
    return [...this.#patience.values()].some((patience) => patience.stalled(stands));
  }

  #now(): Moment {
    const { clock } = this.#around;
    return { wall: clock.now(), elapsed: clock.elapsed() };
  }

  /** One of an earlier process, or of one that is gone. */
  #takeUp(record: OperationRecord): void {
    if (!this.#around.writes.get(record.operation)?.confirm) return;
    const patience = this.#patienceOf(record.operation);
    patience.takenUp(record, this.#now());
    if (record.unconfirmedAt !== undefined && !record.doubted) patience.exhausted(record);
    this.#add(record);
  }

  #add(record: OperationRecord): void {
    const { writes, clock } = this.#around;
    const write = writes.get(record.operation);
    const { confirm } = write ?? {};
    if (!write || !confirm) return;
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
    if (dueAt < this.#dueAt) this.#schedule();
  }

  #patienceOf(operation: string): Patience {
    const known = this.#patience.get(operation);
    if (known) return known;
    const patience = new Patience(this.#around.queue.confirmations(operation), this.#now());
    this.#patience.set(operation, patience);
    return patience;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (this.#looking >= mostAtOnce) return;
    for (const { looking, dueAt } of this.#groups.values())
      if (!looking) this.#dueAt = Math.min(this.#dueAt, dueAt);
    if (this.#dueAt === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#around;
    this.#cancel = clock.after(Math.max(1, this.#dueAt - clock.elapsed()), () => this.#lookAtDue());
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
    await this.#tryOldest(group);
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
  async #judge(record: OperationRecord, write: DeclaredWrite): Promise<void> {
    const { accepted } = this.#around.queue;
    const { id, resends = 0 } = record;
    const { confirm } = write;
    const patience = this.#patienceOf(write.name);
    if (patience.ageMs(record, this.#now()) > this.#maxAge) return accepted.giveUp(id, 'expired');
    if (!confirm || !this.#isLate(record, write)) return;
    if (!record.doubted) patience.exhausted(record);
    accepted.unconfirmed(id);
    if (confirm.unconfirmed === 'report') return;
    const hopeless = confirm.unconfirmed === 'dead_letter' || resends >= mostResends;
    if (hopeless) return accepted.giveUp(id, 'unconfirmed');
    if (patience.isOvertaken(record)) await accepted.resend(id);
  }

  /** Whether one that was just not seen has waited too long. */
  #isLate(record: OperationRecord, { name, confirm, flow }: DeclaredWrite): boolean {
    if (!confirm || confirm.within === false) return false;
    const { within, maxInterval } = confirm;
    const now = this.#now();
    const patience = this.#patienceOf(name);
    const waitedMs = Math.min(
      patience.waitedMs(record, now),
      // What was not seen while the breaker was open says nothing, nor before it can be shown.
      now.elapsed - flow.breaker.closedAt,
      now.wall - confirm.shownAt(record.input),
    );
    // One that waited in vain before it was overtaken has waited enough.
    const over = record.unconfirmedAt !== undefined && patience.isOvertaken(record);
    if (waitedMs < 0 || (!over && waitedMs < within)) return false;
    return patience.missedMs(record, now) >= Math.min(within, maxInterval);
  }

  /** One alone is sent again to try: the oldest, when no other is on its way that would show the same. */
  async #tryOldest({ write, confirm, ids }: Group): Promise<void> {
    const { queue, clock } = this.#around;
    if (confirm.unconfirmed !== 'resend' || queue.holds(write.flow.operations)) return;
    const now = clock.now();
    // One that cannot be shown yet shows nothing.
    const isShown = (record: OperationRecord) => confirm.shownAt(record.input) <= now;
    for (const record of queue.accepted.inTime(write.name)) if (isShown(record)) return;
    for (const record of queue.accepted) {
      if (record.operation !== write.name || record.doubted || !isShown(record)) continue;
      if (ids.has(record.id) && this.#isLate(record, write)) await queue.accepted.resend(record.id);
      return;
    }
  }

  #jittered(ms: number): number {
    return ms * (0.9 + 0.2 * this.#around.random());
  }
}
