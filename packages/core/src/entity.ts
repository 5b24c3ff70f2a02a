/** What an operation concerns; expiry, lanes and overlays follow from it. */

/** Something in the upstream, by type and id. */
export interface Entity {
  readonly type: string;
  readonly id: string;
}

/** An entity as one string, equal for equal entities only. */
export function entityKey({ type, id }: Entity): string {
  return `${type.replaceAll('%', '%25').replaceAll(':', '%3A')}:${id}`;
}
