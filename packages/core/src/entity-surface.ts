/** Local entities as apps use them: stored, and taken to the upstream where a write owns them. */

import type { Engine } from './engine.ts';
import type { Keeping } from './entities.ts';
import type { Entity, LocalEntity, Relationship, RelationshipEnds } from './entity.ts';
import { FallbackError } from './errors.ts';
import type { Durability } from './journal.ts';
import { deepFreeze, notJson } from './json.ts';
import { type FallbackWrite, modes } from './mode.ts';
import type { Receipt } from './outcome.ts';
import type { Deed } from './owners.ts';
import { withinTime } from './patience.ts';

/**
 * What became of an entity: what its write says, where one owns its type; `local` where none does, and it
 * stays here. Kept lazily, its durability is `memory` until the store has it, within a second.
 */
export type EntityReceipt =
  | Receipt<unknown>
  | { readonly outcome: 'local'; readonly durability: Durability };

/** What a manager does with local entities. */
export interface EntitySurface {
  storeEntity(entity: Entity): Promise<EntityReceipt>;
  getEntity(entity: Entity): Promise<LocalEntity | undefined>;
  listEntities(type: string): Promise<readonly LocalEntity[]>;
  deleteEntity(entity: Entity): Promise<EntityReceipt>;
  storeRelationship(relationship: RelationshipEnds): Promise<EntityReceipt>;
  listRelationships(entity: Entity): Promise<readonly Relationship[]>;
  deleteRelationship(relationship: RelationshipEnds): Promise<EntityReceipt>;
}

/** How what no write owns is kept while fallback is active, or would be. */
const keepings: Readonly<Record<FallbackWrite, Keeping>> = {
  // Live, and kept for the app alone: these two only refuse while fallback is active.
  pass: 'lazily',
  refuse: 'lazily',
  memory: 'memory',
  local: 'durably',
  queue: 'lazily',
};

/** Makes the surface. */
export function entitySurface(engine: Engine, maxBytes: number): EntitySurface {
  const { entities, owners, writes, life } = engine;
  const breaker = engine.breakers.own;

  return {
    async storeEntity(given) {
      const entity = checked<LocalEntity>('an entity', given, maxBytes);
      checkEntity('an entity', entity);
      await opened();
      const sent = await ownersReceipt(entity, 'store');
      if (!sent) return local((keeping) => entities.keepEntity(entity, keeping));
      const { receipt, keeping, operation } = sent;
      // The write has it, whatever the store says.
      await quietly(entities.keepEntity(entity, keeping, operation));
      return receipt;
    },
    async getEntity(entity) {
      checkEntity('an entity', entity);
      await opened();
      return entities.entity(entity)?.value;
    },
    async listEntities(type) {
      await opened();
      return entities.ofType(type);
    },
    async deleteEntity(entity) {
      checkEntity('an entity', entity);
      await opened();
      const kept = entities.entity(entity)?.value ?? { ...entity };
      const sent = await ownersReceipt(kept, 'delete');
      if (!sent) return local((keeping) => entities.removeEntity(entity, keeping));
      await quietly(entities.removeEntity(entity, sent.keeping));
      return sent.receipt;
    },
    async storeRelationship(given) {
      const relationship = checkedRelationship(given, maxBytes);
      await opened();
      return local((keeping) => entities.keepRelationship(relationship, keeping));
    },
    async listRelationships(entity) {
      checkEntity('an entity', entity);
      await opened();
      return entities.relationshipsOf(entity);
    },
    async deleteRelationship(given) {
      const relationship = checkedRelationship(given, maxBytes);
      await opened();
      return local((keeping) => entities.removeRelationship(relationship, keeping));
    },
  };

  async function opened(): Promise<void> {
    if (!life.opened) await life.open();
  }

  /** What the write that owns the entity says, and how the entity is kept besides. */
  async function ownersReceipt(
    entity: LocalEntity,
    deed: Deed,
  ): Promise<{ receipt: Receipt<unknown>; keeping: Keeping; operation?: string } | undefined> {
    const owner = owners.of(entity.type, deed);
    if (!owner) return undefined;
    const receipt = await owner.send(entity);
    const { mode } = writes.get(owner.name)?.flow.breaker ?? breaker;
    const volatile = modes[mode].write === 'memory';
    if (receipt.outcome === 'applied') return { receipt, keeping: volatile ? 'memory' : 'lazily' };
    // What waits to be replayed is not kept lazily: no restart may know the write and not the entity.
    const keeping = volatile ? 'memory' : 'durably';
    return { receipt, keeping, operation: receipt.operation };
  }

  async function local(keep: (keeping: Keeping) => Promise<Durability>): Promise<EntityReceipt> {
    const { write } = modes[breaker.mode];
    if (life.closed) throw unavailable('the manager is closed');
    if (breaker.active && write === 'refuse')
      throw new FallbackError(
        'FALLBACK_READ_ONLY',
        'Local entities are refused: so are all writes while the upstream is unavailable',
        { retryAfterMs: breaker.retryAfterMs },
      );
    if (breaker.active && write === 'pass') throw unavailable('this mode keeps nothing');
    try {
      const { clock, defaults } = engine;
      const kept = keep(keepings[write]);
      return {
        outcome: 'local',
        durability: await withinTime(clock, defaults.writeTimeoutMs, kept),
      };
    } catch (cause) {
      throw new FallbackError('FALLBACK_STORE_FAILED', 'The entity could not be stored', { cause });
    }
  }

  function unavailable(why: string): FallbackError {
    return new FallbackError('FALLBACK_UNAVAILABLE', `Local entities are not kept now: ${why}`, {
      retryAfterMs: breaker.retryAfterMs,
    });
  }

  /** What the store says goes as an event; one that hangs must not hold a write that is accepted. */
  async function quietly(kept: Promise<Durability>): Promise<void> {
    await withinTime(engine.clock, engine.defaults.writeTimeoutMs, kept).catch(() => {});
  }
}

/** A copy that nobody can change, of what is JSON and fits. */
function checked<Value extends object>(noun: string, given: object, maxBytes: number): Value {
  const wrong = notJson(given);
  if (wrong || typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(`Expected ${noun} to be an object of JSON, it is not at ${wrong ?? '$'}`);
  const text = JSON.stringify(given);
  if (Buffer.byteLength(text) > maxBytes)
    throw invalid(
      `Expected ${noun} to have no more than ${maxBytes} bytes (\`entities.maxBytes\`)`,
    );
  return deepFreeze(JSON.parse(text));
}

function checkedRelationship(given: RelationshipEnds, maxBytes: number): Relationship {
  const relationship = checked<Relationship>('a relationship', given, maxBytes);
  if (!isText(relationship.type)) throw notText('type', 'a relationship');
  checkEntity('`from` of a relationship', relationship.from);
  checkEntity('`to` of a relationship', relationship.to);
  // Whoever gives whole entities means which they are, not what they were.
  const [from, to] = [relationship.from, relationship.to].map(({ type, id }) => ({ type, id }));
  return deepFreeze({ ...relationship, from, to } as Relationship);
}

function checkEntity(noun: string, entity: Entity): void {
  const { type, id } = Object(entity) as Partial<Entity>;
  if (!isText(type)) throw notText('type', noun);
  if (!isText(id)) throw notText('id', noun);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function notText(member: string, noun: string): FallbackError {
  return invalid(`Expected \`${member}\` of ${noun} to be a text that is not empty`);
}

function invalid(message: string): FallbackError {
  return new FallbackError('FALLBACK_INVALID_INPUT', message);
}
