/** The shared queue in a Redis: scripts, claims under leases, and answers that may get lost. */

import { randomUUID } from 'node:crypto';
import {
  type Identity,
  type SharedAppended,
  type SharedBounds,
  type SharedClaim,
  type SharedClaimRequest,
  type SharedCounts,
  type SharedDecision,
  type SharedEntry,
  type SharedFound,
  type SharedPage,
  type SharedQueue,
  SharedQueueUnavailable,
  type SharedRecord,
  type SharedSettled,
  type SharedSettlement,
  type Undo,
} from '@graphiti-fallback/core';
import { Batches } from './batches.ts';
import { Keys, shortName } from './keys.ts';
import { type Link, listOf, type Reply } from './link.ts';
import type { ResolvedRedisOptions } from './options.ts';
import type { ScriptName } from './scripts/scripts.ts';
import { Server } from './server.ts';
import { Session } from './session.ts';

/** Taken off the lease on this side: for the time of a send, and clocks that do not agree, in ms. */
const longestMargin = 2_000;
/** Of a short lease it is this share. */
const marginShare = 0.2;
/** Redis' clock may differ by this share of it from what it ought to say. */
const toleranceShare = 0.5;
/** Whoever holds lanes is heard this often, in ms, and three times in a lease. */
const longestBeat = 10_000;
/** A call may take this share of a lease: so a claim that was just renewed outlasts it. */
const callShare = 2 / 3;
/** Ended operations that are remembered, and for how long, in ms. */
const endingsKept = 10_000;
const endingsAge = 24 * 3_600_000;
/** Settlements in one script, and scripts at once: claims are of different lanes, and need no order. */
const settlementsAtOnce = { most: 128, atOnce: 4 };

/** Where a list begins: what is queued, then what is dead; behind which score and id. */
const firstPlace = ['queued', '', ''] as const;

/** A claim, and the session that it was made in. */
interface RedisClaim extends SharedClaim {
  readonly session: Session;
  readonly key: string;
}

/** Lanes, leases and fences in one Redis. */
export class RedisQueue implements SharedQueue {
  readonly server: Server;
  readonly #options: ResolvedRedisOptions;
  readonly #settlements = new Batches<SharedSettlement, SharedSettled | { error: unknown }>(
    (batch) => this.#settle(batch),
    settlementsAtOnce,
  );
  readonly #listeners = new Set<() => void>();
  readonly #onDropped = new Set<(records: readonly SharedRecord[]) => void>();
  readonly #id = randomUUID();
  /** How many rounds of what is queued had no answer: each may still be on its way. */
  #unanswered = 0;
  #keys = new Keys({ manager: '', hash: '' });
  #bounds: SharedBounds | undefined;
  #session: Session | undefined;
  #joining: Promise<Session> | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #leaseMs: number;

  constructor(options: ResolvedRedisOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs;
    this.server = new Server({
      ...options,
      probe: () => this.#run(this.server.work, 'counts', [], []),
    });
  }

  async open(
    identity: Identity,
    bounds: SharedBounds,
    warn: (message: string) => void,
  ): Promise<void> {
    this.#keys = new Keys(identity);
    this.#bounds = bounds;
    await this.server.connect('queue', {
      warn,
      onUsable: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }

  get available(): boolean {
    return this.server.usable;
  }

  async append(
    groups: readonly (readonly SharedEntry[])[],
  ): Promise<readonly (readonly SharedAppended[])[]> {
    const { maxEntries, maxBytes } = this.#limits;
    const entries = groups.flatMap((group, index) => group.map((entry) => ({ entry, index })));
    const holds = entries.some(({ entry }) => entry.hold);
    const session = holds ? await this.#alive() : undefined;
    const request = session?.begin() ?? 0;
    const items = entries.map(({ entry, index }) => itemOf(entry, index));
    const bodies = entries.map(({ entry: { body } }) => body);
    const areNew = entries.every(({ entry: { isNew = false } }) => isNew) ? 1 : 0;
    const bounds = [maxEntries, maxBytes, session?.id ?? '', request];
    const writer = [this.#id, this.#unanswered];
    const args = [...bounds, areNew, ...writer, JSON.stringify(items), ...bodies];
    const lists = entries.map(({ entry }) => this.#keys.list(shortName(entry.lane)));
    let answer: Reply;
    try {
      answer = await this.#run(this.server.write, 'append', lists, args);
      if (listOf(answer)[0] === 'late')
        throw new SharedQueueUnavailable('It came behind what was sent later', true);
      await this.#confirm(this.server.write);
      this.server.full = false;
    } catch (error) {
      if (error instanceof SharedQueueUnavailable && error.uncertain) this.#unanswered += 1;
      if (error instanceof SharedQueueUnavailable && error.message === 'OOM')
        this.server.full = true;
      throw error;
    } finally {
      session?.end(request);
    }
    const { durability } = this.server;
    const answers = listOf(answer);
    const results = entries.map((_entry, index): SharedAppended => {
      const [status, more] = listOf(answers[index]);
      if (status === 'full') return { status, limit: more as 'entries' | 'bytes' };
      const claim = session && more ? this.#claimOf(more, session) : undefined;
      const kept = status === 'duplicate' ? 'duplicate' : 'queued';
      return { status: kept, durability, ...(claim && { claim }) };
    });
    let at = 0;
    return groups.map(({ length }) => {
      at += length;
      return results.slice(at - length, at);
    });
  }

  async busy(lane: string): Promise<boolean> {
    this.server.assertUsable();
    const held = await this.server.work.command('EXISTS', this.#keys.list(shortName(lane)));
    return held === 1;
  }

  async claim({ max, operations, forMs }: SharedClaimRequest): Promise<readonly SharedClaim[]> {
    this.#leaseMs = Math.max(
      this.#leaseMs,
      Math.ceil((forMs + marginOf(this.#leaseMs)) / callShare),
    );
    const session = await this.#alive();
    if (!session.held(forMs)) {
      await this.#renew(session);
      if (!session.held(forMs)) return [];
    }
    const request = session.begin();
    try {
      const { maxInterruptions } = this.#limits;
      const own = [session.id, max, maxInterruptions, request, this.#leaseMs];
      // Who has just come waits for the others to find out that the clock was set.
      const patience = 2 * beatOf(this.#leaseMs);
      const missed = session.age > patience ? 0 : patience;
      const clock = [...this.#clockOf(session), missed];
      const args = [...own, ...clock, ...operations.map(shortName)];
      const [status, ...rows] = listOf(await this.#run(this.server.work, 'claim', [], args));
      if (status === 'lost') {
        this.#forget(session);
        return [];
      }
      if (status === 'ahead') {
        await this.#renew(session);
        return [];
      }
      if (rows.length > 0) await this.#confirm(this.server.work);
      return rows.map((row) => this.#claimOf(row, session));
    } finally {
      session.end(request);
    }
  }

  async note(claim: SharedClaim, progress: string): Promise<boolean> {
    const { session, key, fence, record } = claim as RedisClaim;
    const args = [session.id, key, fence, record.id, progress];
    const noted = await this.#run(this.server.work, 'note', [], args);
    await this.#confirm(this.server.work);
    return noted === 1;
  }

  async settle(settlement: SharedSettlement): Promise<SharedSettled> {
    const settled = await this.#settlements.add(settlement);
    if ('error' in settled) throw settled.error;
    return settled;
  }

  async recovered(operations: readonly string[]): Promise<void> {
    await this.#run(this.server.work, 'recover', [], operations.map(shortName));
  }

  async counts(): Promise<SharedCounts> {
    const answer = await this.#run(this.server.work, 'counts', [], []);
    const [size, bytes, lanes, inFlight, blocked, parked, dead, waiting, oldest] = listOf(answer);
    return {
      size: Number(size),
      bytes: Number(bytes),
      lanes: Number(lanes),
      inFlight: Number(inFlight),
      blocked: Number(blocked),
      parked: Number(parked),
      dead: Number(dead),
      waiting: Number(waiting),
      oldestAt: oldest === '' ? undefined : Number(oldest),
    };
  }

  async list({ after, limit }: { after?: string; limit: number }): Promise<SharedPage> {
    const [kind, lastScore, lastId] = after === undefined ? firstPlace : placeOf(after);
    const args = [kind, lastScore, lastId, limit];
    const answer = listOf(await this.#run(this.server.work, 'list', [], args));
    const [score, ...ids] = answer.map(String);
    const isFull = ids.length === limit;
    const next = isFull
      ? [kind, score, ids.at(-1)]
      : kind === 'queued'
        ? ['dead', '', '']
        : undefined;
    const found = ids.length > 0 ? await this.find(ids) : [];
    return {
      found: found.filter((each) => each !== undefined),
      ...(next && { next: JSON.stringify(next) }),
    };
  }

  async find(ids: readonly string[]): Promise<readonly (SharedFound | undefined)[]> {
    const answers = listOf(await this.#run(this.server.work, 'find', [], ids));
    return answers.map((answer) => {
      const [first, ...rest] = listOf(answer);
      if (first === 'unknown') return undefined;
      if (first === 'ended') return { ending: String(rest[0]) };
      const state = rest.at(-1) as Extract<SharedFound, { state: unknown }>['state'];
      return { record: recordOf(listOf(answer)), state };
    });
  }

  async ended(ids: readonly string[]): Promise<readonly string[]> {
    return listOf(await this.#run(this.server.work, 'ended', [], ids)).map(String);
  }

  async decide(id: string, decision: SharedDecision): Promise<boolean> {
    const [found] = await this.find([id]);
    if (!found || !('record' in found)) return false;
    const { lane } = found.record;
    const progress = 'progress' in decision ? decision.progress : '';
    const ending = 'ending' in decision ? decision.ending : '';
    const args = [id, lane, decision.kind, progress, ending, this.#limits.maxDead];
    const answer = await this.#run(this.server.work, 'decide', [this.#keys.list(lane)], args);
    await this.#confirm(this.server.work);
    const [decided, ...dropped] = listOf(answer);
    this.#tellDropped(dropped);
    return decided === 1;
  }

  async lead(role: 'gauges', forMs: number): Promise<boolean> {
    const session = await this.#alive();
    const args = [session.id, forMs];
    this.server.assertUsable();
    return (await this.server.work.run('lead', [this.#keys.role(role)], args)) === 1;
  }

  onWork(listener: () => void): Undo {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onDropped(listener: (records: readonly SharedRecord[]) => void): Undo {
    this.#onDropped.add(listener);
    return () => this.#onDropped.delete(listener);
  }

  async close(): Promise<void> {
    const session = this.#session;
    if (session) {
      this.#forget(session);
      await this.#run(this.server.work, 'leave', [], [session.id]).catch(() => {});
    }
    this.server.close('queue');
  }

  /** What failed for one session has not for another: claims that came with its answer would be held by nobody. */
  async #settle(
    batch: readonly SharedSettlement[],
  ): Promise<readonly (SharedSettled | { error: unknown })[]> {
    const results: (SharedSettled | { error: unknown })[] = new Array(batch.length);
    const bySession = new Map<Session, number[]>();
    for (const [index, { claim }] of batch.entries()) {
      const { session } = claim as RedisClaim;
      bySession.set(session, [...(bySession.get(session) ?? []), index]);
    }
    for (const [session, indexes] of bySession) {
      const request = session.begin();
      try {
        const part = indexes.map((index) => batch[index] as SharedSettlement);
        const answers = await this.#settleOf(session, request, part);
        for (const [at, answer] of answers.entries()) results[indexes[at] as number] = answer;
      } catch (error) {
        // What nobody asks to settle again is given back by the next renewal.
        if (!(error instanceof SharedQueueUnavailable))
          for (const index of indexes) session.fences.delete(String(batch[index]?.claim.fence));
        for (const index of indexes) results[index] = { error };
      } finally {
        session.end(request);
      }
    }
    return results;
  }

  async #settleOf(
    session: Session,
    request: number,
    part: readonly SharedSettlement[],
  ): Promise<readonly SharedSettled[]> {
    const operations = new Set(part.flatMap(({ next }) => next));
    const args = part.flatMap(({ claim, verdict, next }) => {
      const { key, fence, record } = claim as RedisClaim;
      const { kind } = verdict;
      return [
        key,
        fence,
        record.id,
        kind,
        kind === 'retry' ? Math.ceil(verdict.delayMs) : 0,
        kind === 'retry' && verdict.untilRecovery ? 1 : 0,
        'progress' in verdict ? verdict.progress : '',
        kind === 'done' ? verdict.ending : '',
        next.length > 0 && session.held(0) ? 1 : 0,
      ];
    });
    const head = [
      session.id,
      endingsKept,
      endingsAge,
      this.#limits.maxDead,
      request,
      `|${[...operations].map(shortName).join('|')}|`,
      part.length,
    ];
    const lists = part.map(({ claim }) => this.#keys.list((claim as RedisClaim).key));
    const answer = await this.#run(this.server.work, 'settle', lists, [...head, ...args]);
    await this.#confirm(this.server.work);
    return listOf(answer).map((each, index): SharedSettled => {
      const [status, row, dropped] = listOf(each);
      this.#tellDropped(listOf(dropped));
      session.fences.delete(String(part[index]?.claim.fence));
      if (status === 'lost') return { status };
      return { status: 'ok', ...(row && { next: this.#claimOf(row, session) }) };
    });
  }

  /** A session that holds by both clocks; a new one where there is none. */
  async #alive(): Promise<Session> {
    const session = this.#session;
    if (session && !session.held(0)) await this.#renew(session);
    if (this.#session?.held(0)) return this.#session;
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }

  async #join(): Promise<Session> {
    const session = new Session();
    const sentAt = performance.now();
    const leaseMs = this.#leaseMs;
    const told = await this.#run(this.server.work, 'join', [], [session.id, leaseMs]);
    // It was closed meanwhile: nobody would end this one.
    this.server.assertUsable();
    session.extend(sentAt, leaseMs - marginOf(leaseMs));
    session.told(Number(told), sentAt);
    if (this.#session) this.#forget(this.#session);
    this.#session = session;
    this.#heartbeat = setInterval(() => void this.#renew(session), beatOf(leaseMs));
    this.#heartbeat.unref();
    return session;
  }

  async #renew(session: Session): Promise<void> {
    try {
      const renewed = await this.#extend(session, [...this.#clockOf(session), 0]);
      if (renewed.status !== 'ahead') return;
      const isSet = session.wasSet(renewed.ms, this.#tolerance);
      await this.#extend(session, ['', 0, isSet ? 1 : 0]);
    } catch {
      // Not extended, it runs out by itself.
    }
  }

  async #extend(
    session: Session,
    clock: readonly (string | number)[],
  ): Promise<{ readonly ms: number; readonly status: Reply | undefined }> {
    const sentAt = performance.now();
    const leaseMs = this.#leaseMs;
    const args = [session.id, leaseMs, session.heardUpTo, ...clock, ...session.fences];
    const [told, status] = listOf(await this.#run(this.server.work, 'renew', [], args));
    const ms = Number(told);
    if (status === 'lost') this.#forget(session);
    if (status !== undefined) return { ms, status };
    // A failover must not bring back a lease that ends before it does here.
    await this.#confirm(this.server.work);
    session.extend(sentAt, leaseMs - marginOf(leaseMs));
    session.told(ms, sentAt);
    return { ms, status };
  }

  /** What Redis' clock ought to say, and by how much it may differ. */
  #clockOf(session: Session): readonly (string | number)[] {
    return [session.expected(this.#tolerance) ?? '', this.#tolerance];
  }

  get #tolerance(): number {
    return marginOf(this.#leaseMs) * toleranceShare;
  }

  #forget(session: Session): void {
    session.finish();
    if (this.#session !== session) return;
    this.#session = undefined;
    clearInterval(this.#heartbeat);
  }

  #tellDropped(rows: readonly Reply[]): void {
    if (rows.length === 0) return;
    const records = rows.map((row) => recordOf(listOf(row)));
    for (const listener of this.#onDropped) listener(records);
  }

  #claimOf(row: Reply, session: Session): RedisClaim {
    const parts = listOf(row);
    const fence = String(parts[5]);
    session.fences.add(fence);
    return {
      record: recordOf(parts),
      fence: Number(fence),
      key: String(parts[0]),
      session,
      held: (ms) => session.held(ms),
    };
  }

  /** After the script, never beside it: one that had to be loaded first would not be covered. */
  async #confirm(link: Link): Promise<void> {
    const { replicas, callMs } = this.#options;
    if (replicas === 0) return;
    const confirmed = await link.command('WAIT', String(replicas), String(Math.ceil(callMs * 0.9)));
    if (Number(confirmed) < replicas)
      throw new SharedQueueUnavailable('Too few replicas confirmed in time', true);
  }

  get #limits(): SharedBounds {
    if (!this.#bounds) throw new SharedQueueUnavailable('The store is not open', false);
    return this.#bounds;
  }

  async #run(
    link: Link,
    script: ScriptName,
    lists: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<Reply> {
    if (script !== 'counts' || this.server.usable) this.server.assertUsable();
    return link.run(script, [...this.#keys.all, ...lists], args);
  }
}

/** As the script of appending reads it. */
function itemOf(entry: SharedEntry, group: number): readonly (string | number | boolean)[] {
  const { id, lane, operation, body, progress } = entry;
  const bytes = Buffer.byteLength(body);
  const item = `${shortName(lane)}|${shortName(operation)}|${bytes}`;
  const priority = Math.max(-4e9, Math.min(4e9, entry.priority));
  const delayMs = Math.ceil(entry.delayMs);
  const plain = priority === 0 && progress === '' && delayMs === 0 && !entry.hold;
  if (plain) return [group, id, item, bytes];
  return [group, id, item, bytes, priority, progress, delayMs, entry.hold];
}

function placeOf(place: string): readonly [kind: string, score: string, id: string] {
  return JSON.parse(place) as [string, string, string];
}

function beatOf(leaseMs: number): number {
  return Math.min(leaseMs / 3, longestBeat);
}

function marginOf(leaseMs: number): number {
  return Math.min(longestMargin, leaseMs * marginShare);
}

function recordOf([lane, id, body, progress, interruptions]: readonly Reply[]): SharedRecord {
  return {
    lane: String(lane),
    id: String(id),
    body: String(body ?? ''),
    progress: String(progress),
    interruptions: Number(interruptions),
  };
}
