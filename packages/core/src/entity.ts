/** What an operation concerns; expiry, lanes and overlays follow from it. */

/** Something in the upstream, by type and id. */
export interface Entity {
  readonly type: string;
  readonly id: string;
}

/** An entity that is kept here, with whatever the app says of it, as JSON. */
export interface LocalEntity extends Entity {
  readonly [member: string]: unknown;
}

/** Which relationship is meant: there is one of a type from one entity to another. */
export interface RelationshipEnds {
  readonly type: string;
  readonly from: Entity;
  readonly to: Entity;
}

/** How one entity relates to another, with whatever the app says of it, as JSON. */
export interface Relationship extends RelationshipEnds {
  readonly [member: string]: unknown;
}

/** An entity as one string, equal for equal entities only. */
export function entityKey({ type, id }: Entity): string {
  const plain = !type.includes(':') && !type.includes('%');
  return `${plain ? type : type.replaceAll('%', '%25').replaceAll(':', '%3A')}:${id}`;
}

/** Whether something names an entity. Ids that are numbers elsewhere are as good as texts. */
export function isEntity(value: unknown): value is Entity {
  const { type, id } = Object(value) as { readonly type?: unknown; readonly id?: unknown };
  const isNamed = typeof id === 'string' ? id !== '' : Number.isFinite(id);
  return isNamed && typeof type === 'string' && type !== '';
}
