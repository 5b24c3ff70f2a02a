/** Replays the queue as its breakers let calls through: one canary first, then more and more. */

import type { Permit } from '../breaker/permit.ts';
import { type Clock, runOutside } from '../clock.ts';
import type { DeclaredWrite } from '../declared-write.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { Policy } from '../policy/policy.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { Alarm } from './alarm.ts';
import type { DrainFlow, DrainFlows, Place } from './drain-flow.ts';
import type { Claim, LaneQueue, QueueVerdict } from './lane-queue.ts';
import type { OperationRecord } from './operation-record.ts';
import { Replayer } from './replay.ts';

interface DrainSurroundings {
  readonly queue: LaneQueue;
  readonly policy: Policy;
  readonly flows: DrainFlows;
  readonly writes: ReadonlyMap<string, DeclaredWrite>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  readonly health: { suspect(): void };
  readonly tracing: Tracing;
  readonly classify: (error: unknown) => Failure;
}

/** Instances do not start to drain in step: each waits up to this long at random, in ms. */
const startJitter = 500;
/** The drain looks by itself at least this often, in ms. */
const longestSleep = 60_000;

/** Decides when, and how many at once, are replayed. */
export class Drain {
  readonly #around: DrainSurroundings;
  readonly #running = new Set<Promise<void>>();
  readonly #resting = new Set<() => void>();
  readonly #replayer: Replayer;
  readonly #alarm: Alarm;
  #stopped = true;
  #paused = false;
  #woken = false;

  constructor(around: DrainSurroundings) {
    this.#around = around;
    this.#replayer = new Replayer(around);
    this.#alarm = new Alarm(around.clock, () => this.wake());
    const { queue, flows, events, random } = around;
    queue.onWork(() => this.wake());
    flows.onEach((flow) =>
      flow.breaker.addProber('canary', {
        wants: () => this.#hasCanary(flow),
        probe: () => this.wake(),
      }),
    );
    // A head may come due while the breaker waits for somebody to try.
    events.on('stateChange', ({ to }) => {
      if (to === 'half_open') this.wake();
    });
    events.on('deactivated', ({ breaker }) => {
      const flow = flows.find(breaker);
      if (!flow) return;
      flow.ramp.reset();
      flow.pause(random() * startJitter);
      queue.recovered(flow.operations);
    });
  }

  /** Nothing is replayed while it is paused; what is in flight ends. */
  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    if (!paused) this.wake();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** Calls the listener whenever it has looked for work and nothing is in flight afterwards. */
  onRest(listener: () => void): Undo {
    this.#resting.add(listener);
    return () => this.#resting.delete(listener);
  }

  start(): void {
    this.#stopped = false;
    this.wake();
  }

  /** Takes no more heads, and resolves when what is in flight has ended, or after `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.#stopped = true;
    this.#alarm.stop();
    if (this.#running.size === 0) return;
    let cancel: Undo = () => {};
    const patience = new Promise<void>((resolve) => {
      cancel = this.#around.clock.after(withinMs, resolve, true);
    });
    await Promise.race([Promise.allSettled(this.#running), patience]);
    cancel();
  }

  /** Looks for work soon. Notifications come from requests: the replays must not run in their contexts. */
  wake(): void {
    if (this.#stopped || this.#woken) return;
    this.#woken = true;
    runOutside(() =>
      queueMicrotask(() => {
        this.#woken = false;
        this.#pump();
        if (this.#running.size === 0) for (const listener of this.#resting) listener();
      }),
    );
  }

  #pump(): void {
    if (this.#stopped || this.#paused) return;
    const { queue, policy, flows } = this.#around;
    // Asked first: a head that comes due, or a pause that ends, while it looks is seen by the next look.
    const nextDue = this.#nextDue;
    const pauses = this.#pauses;
    const rooms = new Map<DrainFlow, number>();
    for (const flow of flows) {
      const room = flow.room(policy.bulkhead.free);
      // Once these are found nobody looks further: other breakers may hold back many more.
      if (room === 0) continue;
      const wanted = Math.min(room, flow.rate.room);
      rooms.set(flow, Math.min(wanted, queue.claimable(flow.operations, wanted)));
    }
    if (rooms.size > 0) this.#claim(rooms);
    // Whoever makes room wakes the drain: a replay that ends, a breaker that lets calls through.
    const wait = Math.min(pauses, this.#nextTurn, rooms.size > 0 ? nextDue : longestSleep);
    this.#alarm.set(Math.max(1, wait));
  }

  #claim(rooms: Map<DrainFlow, number>): void {
    const { queue, writes } = this.#around;
    const max = [...rooms.values()].reduce((sum, room) => sum + room, 0);
    const granted: { readonly flow: DrainFlow; readonly permit: Permit }[] = [];
    const admits = (operation: string) => {
      const write = writes.get(operation);
      const flow = write?.flow;
      const room = flow && rooms.get(flow);
      if (!room) return false;
      // It may be looked for first, and then sent.
      const permit = flow.breaker.admit('canary', 2 * write.timeoutMs);
      rooms.set(flow, permit ? room - 1 : 0);
      if (permit) granted.push({ flow, permit });
      return permit !== undefined;
    };
    for (const [index, claim] of queue.claim({ max, admits }).entries()) {
      const { flow, permit } = granted[index] ?? {};
      if (!flow || !permit) continue;
      flow.rate.take(1);
      const place = flow.enter();
      const replay = this.#replay(claim, flow, permit, place)
        .catch(this.#complain)
        .then(() => {
          place.leave();
          this.#running.delete(replay);
          this.wake();
        });
      this.#running.add(replay);
    }
  }

  /** How long until a head is due, in ms. */
  get #nextDue(): number {
    const { nextDue } = this.#around.queue;
    return nextDue === undefined ? longestSleep : nextDue - this.#around.clock.now();
  }

  /** How long until the first pause is over, in ms. */
  get #pauses(): number {
    let wait = longestSleep;
    for (const { pausedForMs } of this.#around.flows)
      if (pausedForMs > 0) wait = Math.min(wait, pausedForMs);
    return wait;
  }

  /** How long until a rate lets the next one begin, in ms, where heads are ready. */
  get #nextTurn(): number {
    const { flows, queue, policy } = this.#around;
    let wait = longestSleep;
    for (const flow of flows) {
      const { rate } = flow;
      if (rate.waitMs !== undefined && flow.room(policy.bulkhead.free) > 0)
        if (queue.claimable(flow.operations) > 0) wait = Math.min(wait, rate.waitMs);
    }
    return wait;
  }

  readonly #complain = (error: unknown): void => {
    this.#around.events.emit('warning', {
      message: `A replay failed in the kit: ${String(error)}`,
    });
  };

  #hasCanary({ running, pausedForMs, operations }: DrainFlow): boolean {
    if (this.#stopped || this.#paused || running > 0 || pausedForMs > 0) return false;
    return this.#around.queue.claimable(operations) > 0;
  }

  async #replay(claim: Claim, { breaker }: DrainFlow, permit: Permit, place: Place): Promise<void> {
    const { queue, clock, events, tracing, writes } = this.#around;
    const { record } = claim;
    const write = writes.get(record.operation);
    const started = clock.elapsed();
    await tracing.process(record, breaker.name, async (end) => {
      let verdict: QueueVerdict = { kind: 'release' };
      try {
        if (write) verdict = await this.#replayer.replay(claim, write, permit);
      } finally {
        permit.release();
        if (!claim.goesOnFirst) {
          place.answered();
          this.wake();
        }
        const settled = await queue.settle(claim, verdict);
        const result = settled === 'lost' ? 'released' : resultOf(verdict);
        if (settled === 'ok') {
          this.#tell(record, verdict);
          const waitedMs = Math.max(0, clock.now() - record.enqueuedAt);
          const durationMs = clock.elapsed() - started;
          events.emit('processed', { operation: record.operation, result, waitedMs, durationMs });
        }
        end(result, 'error' in verdict ? verdict.error : undefined);
      }
    });
  }

  #tell({ operation, id }: OperationRecord, verdict: QueueVerdict): void {
    const { events } = this.#around;
    if (verdict.kind === 'done' || verdict.kind === 'accepted')
      events.emit('queue', { event: 'replayed', operation, id });
    if (verdict.kind === 'retry')
      events.emit('queue', { event: 'retried', operation, id, reason: verdict.error });
  }
}

function resultOf({ kind }: QueueVerdict): FallbackEvents['processed']['result'] {
  const results = {
    done: 'done',
    accepted: 'done',
    release: 'released',
    retry: 'retry',
    dead: 'dead',
    stop: 'stopped',
  } as const;
  return results[kind];
}
