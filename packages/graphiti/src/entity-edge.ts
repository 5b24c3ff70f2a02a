/** Entity edges: one fact by its `uuid`. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { isFact } from './answer.ts';
import { edgeEntity, entitiesOfFacts } from './entity.ts';
import { anyGroup } from './group.ts';
import { checkEntityEdge } from './input.ts';
import type { Fact } from './model.ts';
import type { Parts } from './parts.ts';
import { type ReadCall, readCall } from './read-call.ts';

/** Reads one fact; `detailed` also tells where the answer came from. */
export type GetEntityEdge = ReadCall<[uuid: string], Fact>;

/** Declares `graphiti.get_entity_edge` on a manager. */
export function declareEntityEdge(
  manager: FallbackManager,
  { transport }: Pick<Parts, 'transport'>,
): GetEntityEdge {
  const read = manager.read('graphiti.get_entity_edge', {
    run: (uuid: string, { signal, headers }) => {
      const path = `/entity-edge/${encodeURIComponent(uuid)}`;
      return transport({ method: 'GET', path, signal, headers, accepts: isFact });
    },
    entities: (uuid, fact) => [anyGroup, edgeEntity(uuid), ...entitiesOfFacts(fact && [fact])],
  });

  return readCall(async (uuid, options) => {
    checkEntityEdge(uuid);
    return read.detailed(uuid, options);
  });
}
