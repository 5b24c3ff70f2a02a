/** Which declared writes take local entities to the upstream. */

import type { LocalEntity } from './entity.ts';
import type { WriteSpec } from './operation.ts';
import type { Receipt } from './outcome.ts';

/** The write that owns a type. */
export interface Owner {
  readonly name: string;
  /** Sends an entity as this write. */
  send(entity: LocalEntity): Promise<Receipt<unknown>>;
}

/** What is done to an entity. */
export type Deed = 'store' | 'delete';

/** Writes by the type of entities that they own. */
export class Owners {
  readonly #writes = new Map<string, Owner>();

  /**
   * Makes a write the owner of the type that it declares, if it does.
   *
   * @throws {TypeError} when another write owns that type, or the declaration is no whole one
   */
  add<Input, Value>(
    name: string,
    spec: WriteSpec<Input, Value>,
    write: (input: Input) => Promise<Receipt<Value>>,
  ): void {
    const { owns: type, effect, fromEntity = withoutType } = spec;
    if (type === undefined) {
      if (spec.fromEntity === undefined) return;
      throw new TypeError(`Expected '${name}' to say with \`owns\` what \`fromEntity\` is for`);
    }
    const key = keyOf(type, effect === 'delete' ? 'delete' : 'store');
    const owner = this.#writes.get(key);
    if (owner)
      throw new TypeError(
        `Expected one write to own '${type}', got '${name}' beside '${owner.name}'`,
      );
    this.#writes.set(key, { name, send: (entity) => write(fromEntity(entity) as Input) });
  }

  of(type: string, deed: Deed): Owner | undefined {
    return this.#writes.get(keyOf(type, deed));
  }
}

function keyOf(type: string, deed: Deed): string {
  return `${deed} ${type}`;
}

function withoutType({ type: _type, ...rest }: LocalEntity): unknown {
  return rest;
}
