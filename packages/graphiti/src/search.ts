/** Search: the facts that answer a question. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { searchBreaker } from './capability.ts';
import { entitiesOfFacts } from './entity.ts';
import { anyGroup, groupEntity } from './group.ts';
import { checkQuery } from './input.ts';
import type { Facts, SearchQuery } from './model.ts';
import type { Parts } from './parts.ts';
import { type ReadCall, readCall } from './read-call.ts';
import { requestFacts } from './requests.ts';
import { visibleFacts } from './tombstone.ts';

/** Asks for facts; `detailed` also tells where the answer came from. */
export type Search = ReadCall<[query: SearchQuery], Facts>;

/** Declares `graphiti.search` on a manager. */
export function declareSearch(
  manager: FallbackManager,
  { transport, lastGroup, lastSearch }: Parts,
): Search {
  const read = manager.read('graphiti.search', {
    run: (query: Required<SearchQuery>, sent) =>
      lastSearch.of(requestFacts(transport, query, sent)),
    breaker: searchBreaker,
    // A search of all groups concerns none of them by name: a write does not expire it before its time.
    entities: ({ group_ids }, answer) => [
      ...(group_ids?.length ? group_ids.map(groupEntity) : [anyGroup]),
      ...entitiesOfFacts(answer?.facts),
    ],
    overlay: visibleFacts,
  });

  return readCall(async (query, options) => {
    checkQuery(query);
    lastGroup.use(query.group_ids?.[0]);
    const { group_ids, max_facts = 10 } = query;
    const sorted = group_ids ? [...group_ids].sort() : null;
    // In the order of their names, as the key of the cache has them.
    return read.detailed({ group_ids: sorted, max_facts, query: query.query }, options);
  });
}
