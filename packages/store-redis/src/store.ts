/** A store that many instances share: in a Redis, with what each has for itself on its own machine. */

import { type Journal, type JournalStatus, memoryJournal } from '@graphiti-fallback/core';
import { type RedisStoreOptions, resolveOptions } from './options.ts';
import { RedisFleet } from './redis-fleet.ts';
import { RedisQueue } from './redis-queue.ts';
import { RedisValues } from './redis-values.ts';

/**
 * Creates a store whose queued writes lie in a Redis or Valkey, for all instances of an app: each lane
 * is replayed by one of them at a time, in order. Cached answers and the view of an
 * outage are shared there, too.
 *
 * A receipt says `disk` where the server syncs every write (`appendfsync always`), `replica` where
 * `replicas` have it, else `memory`. While Redis is away the `local` journal takes the writes, and what
 * it took is moved when Redis is back.
 *
 * @throws {TypeError} for an unknown option, a wrong one, or where neither or both of `url` and `client` are given
 */
export function redisStore(options: RedisStoreOptions): Journal {
  const resolved = resolveOptions(options);
  const local = resolved.local ?? memoryJournal();
  const shared = new RedisQueue(resolved);
  const values = new RedisValues(shared.server);
  const fleet = new RedisFleet(shared.server);
  const spills = resolved.local !== undefined;
  return {
    kind: 'redis',
    shared,
    spills,
    values,
    fleet,
    parts: [local],
    open: (identity, role) => local.open(identity, role),
    entries: (bucket) => local.entries(bucket),
    commit: (changes, how) => local.commit(changes, how),
    status,
    onAdopted: (listener) => local.onAdopted?.(listener) ?? (() => {}),
    async close() {
      await fleet.close();
      await values.close();
      await shared.close();
      await local.close();
    },
  };

  function status(): JournalStatus {
    const { server } = shared;
    const { kind: _kind, problem: localProblem, ...rest } = local.status();
    // Until it is opened nothing can be said of the server.
    const problem = server.connects ? server.problem : undefined;
    const noValues = server.connects && !server.usableFor('values');
    const valuesProblem = noValues ? (problem ?? 'unreachable') : undefined;
    const isShared = server.connects && problem === undefined;
    const stays = !server.connects || spills;
    const why = problem ?? localProblem;
    return {
      ...rest,
      kind: 'redis',
      durability: isShared ? server.durability : stays ? rest.durability : 'memory',
      writable: isShared || (stays && rest.writable),
      ...(why !== undefined && { problem: why }),
      ...(valuesProblem !== undefined && { valuesProblem }),
      location: resolved.location,
    };
  }
}
