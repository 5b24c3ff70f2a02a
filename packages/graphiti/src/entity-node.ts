/** Entity nodes: written whole, over whatever has their `uuid`. */

import type { CallOptions, FallbackManager, LocalEntity, Receipt } from '@graphiti-fallback/core';
import { isEntityNode } from './answer.ts';
import { groupEntity, groupLane } from './group.ts';
import { checkEntityNode, checkPendingEntity } from './input.ts';
import type { EntityNode, StoredEntityNode } from './model.ts';
import type { Parts } from './parts.ts';

/** Creates an entity node, or overwrites it. */
export type AddEntityNode = (
  node: EntityNode,
  options?: CallOptions,
) => Promise<Receipt<StoredEntityNode>>;

/** The entity node of a `uuid` as it waits in the queue; `undefined` where none does. */
export type GetPendingEntity = (uuid: string) => Promise<EntityNode | undefined>;

const addEntityNode = 'graphiti.add_entity_node';

type LocalNode = LocalEntity & Pick<EntityNode, 'group_id'>;

/** The type of local entities that are entity nodes: their id is the `uuid`. */
const entityNodeType = 'entity_node';

/** Declares `graphiti.add_entity_node` on a manager; it owns the local entities of that type. */
export function declareEntityNode(
  manager: FallbackManager,
  { transport, lastGroup }: Parts,
): AddEntityNode {
  const write = manager.write(addEntityNode, {
    run: (body: EntityNode, { signal }) =>
      transport({ method: 'POST', path: '/entity-node', body, signal, accepts: isEntityNode }),
    entity: ({ group_id }) => groupEntity(group_id),
    lane: ({ group_id }) => groupLane(group_id),
    owns: entityNodeType,
    fromEntity: ({ type: _type, id: uuid, ...node }) =>
      used({ uuid, ...node } as unknown as EntityNode),
    idempotent: true,
  });

  return async function addOne(node, options) {
    return write(used(node), options);
  };

  function used(node: EntityNode): EntityNode {
    checkEntityNode(node);
    lastGroup.use(node.group_id);
    return node;
  }
}

/** Creates the call: Graphiti gives no entity nodes back, so this is all that can be seen of one. */
export function createGetPendingEntity(manager: FallbackManager): GetPendingEntity {
  return async function getPendingEntity(uuid) {
    checkPendingEntity(uuid);
    await manager.open();
    const nodes = manager.queue
      .list({ states: ['ready', 'in_flight', 'blocked', 'parked'] })
      .filter(({ operation }) => operation === addEntityNode)
      .map(({ input }) => input as unknown as EntityNode);
    return nodes.findLast((node) => node.uuid === uuid);
  };
}

/** Forgets the local entities that are nodes of a group, or of any: Graphiti has erased them. */
export async function forgetEntityNodes(manager: FallbackManager, groupId?: string): Promise<void> {
  const nodes = await manager.listEntities<LocalNode>(entityNodeType);
  const gone = nodes.filter(({ group_id }) => groupId === undefined || group_id === groupId);
  // At once: one that is stored meanwhile is not meant.
  await Promise.allSettled(gone.map(({ id }) => manager.deleteEntity(entityNodeType, id)));
}
