/** Entity nodes: written whole, over whatever has their `uuid`. */

import type { CallOptions, FallbackManager, Receipt } from '@graphiti-fallback/core';
import { isEntityNode } from './answer.ts';
import { groupEntity, groupLane } from './group.ts';
import { checkEntityNode } from './input.ts';
import type { EntityNode, StoredEntityNode } from './model.ts';
import type { Parts } from './parts.ts';

/** Creates an entity node, or overwrites it. */
export type AddEntityNode = (
  node: EntityNode,
  options?: CallOptions,
) => Promise<Receipt<StoredEntityNode>>;

/** Declares `graphiti.add_entity_node` on a manager. */
export function declareEntityNode(
  manager: FallbackManager,
  { transport, lastGroup }: Parts,
): AddEntityNode {
  const write = manager.write('graphiti.add_entity_node', {
    run: (body: EntityNode, { signal }) =>
      transport({ method: 'POST', path: '/entity-node', body, signal, accepts: isEntityNode }),
    entity: ({ group_id }) => groupEntity(group_id),
    lane: ({ group_id }) => groupLane(group_id),
    idempotent: true,
  });

  return async function addEntityNode(node, options) {
    checkEntityNode(node);
    lastGroup.use(node.group_id);
    return write(node, options);
  };
}
