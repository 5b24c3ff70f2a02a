/** Memory: the facts that matter to a conversation. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { isFacts } from './answer.ts';
import { searchBreaker } from './capability.ts';
import { entitiesOfFacts } from './entity.ts';
import { groupEntity } from './group.ts';
import { checkMemory } from './input.ts';
import type { Facts, MemoryQuery } from './model.ts';
import type { Parts } from './parts.ts';
import { type ReadCall, readCall } from './read-call.ts';
import { visibleFacts } from './tombstone.ts';

/** Asks for the facts that matter to a conversation; `detailed` also tells where the answer came from. */
export type GetMemory = ReadCall<[query: MemoryQuery], Facts>;

/** What Graphiti makes its question of, and nothing else: more would make two reads of one question. */
interface MemoryQuestion {
  readonly group_id: string;
  readonly messages: readonly {
    readonly content: string;
    readonly role_type: string;
    readonly role: string | null;
  }[];
  readonly max_facts: number;
}

/** Declares `graphiti.get_memory` on a manager. */
export function declareMemory(
  manager: FallbackManager,
  { transport, lastGroup, lastSearch }: Parts,
): GetMemory {
  const read = manager.read('graphiti.get_memory', {
    run: (question: MemoryQuestion, { signal, headers, kept }) => {
      // Graphiti wants the key, and does nothing with it.
      const body = { ...question, center_node_uuid: null };
      const request = { method: 'POST', path: '/get-memory', body, signal, headers, kept } as const;
      return lastSearch.of(transport({ ...request, accepts: isFacts }));
    },
    breaker: searchBreaker,
    entities: ({ group_id }, answer) => [groupEntity(group_id), ...entitiesOfFacts(answer?.facts)],
    overlay: visibleFacts,
  });

  return readCall(async (query, options) => {
    checkMemory(query);
    const { group_id, messages, max_facts = 10 } = query;
    lastGroup.use(group_id);
    // In the order of their names, as the key of the cache has them.
    const said = messages.map(({ content, role = null, role_type }) => ({
      content,
      role,
      role_type,
    }));
    return read.detailed({ group_id, max_facts, messages: said }, options);
  });
}
