/** Entity edges: one fact by its `uuid`. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { isFact } from './answer.ts';
import { edgeEntity, entitiesOfFacts } from './entity.ts';
import { GraphitiError } from './graphiti-error.ts';
import { anyGroup } from './group.ts';
import { checkEntityEdge } from './input.ts';
import type { Fact, Facts } from './model.ts';
import type { Parts } from './parts.ts';
import { type ReadCall, readCall } from './read-call.ts';
import { isHidden } from './tombstone.ts';

/** Reads one fact; `detailed` also tells where the answer came from. */
export type GetEntityEdge = ReadCall<[uuid: string], Fact>;

/** Stands for a fact that is being deleted: an answer can be laid over, but not taken away. */
const deleted = Object.freeze({}) as Fact;

/** Declares `graphiti.get_entity_edge` on a manager. */
export function declareEntityEdge(
  manager: FallbackManager,
  { transport }: Pick<Parts, 'transport'>,
): GetEntityEdge {
  const read = manager.read('graphiti.get_entity_edge', {
    run: (uuid: string, { signal, headers, kept }) => {
      const path = `/entity-edge/${encodeURIComponent(uuid)}`;
      return transport({ method: 'GET', path, signal, headers, kept, accepts: isFact });
    },
    entities: (uuid, fact) => [anyGroup, edgeEntity(uuid), ...entitiesOfFacts(fact && [fact])],
    overlay: (fact, pending, uuid) => (isHidden(fact ?? { uuid }, pending) ? deleted : fact),
    // Whatever was found before has its facts whole.
    derived: {
      from: edgeEntity,
      make: ({ value }, uuid) =>
        (value as Partial<Facts>).facts?.find((fact) => fact.uuid === uuid),
    },
  });

  return readCall(async (uuid, options) => {
    checkEntityEdge(uuid);
    const answer = await read.detailed(uuid, options);
    if (answer.value !== deleted) return answer;
    const message = 'The fact is deleted here; Graphiti is told when it is there';
    throw new GraphitiError(message, { upstreamStatus: 404, detail: `edge ${uuid} not found` });
  });
}
