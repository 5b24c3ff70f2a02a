/** What a function does, by the verb that its name begins with. */

/** What a verb says. */
interface Deed {
  readonly kind: 'read' | 'write';
  /** How a write changes its entity. */
  readonly effect?: 'create' | 'update' | 'delete';
}

const verbs: Readonly<Record<string, Deed>> = {
  get: { kind: 'read' },
  find: { kind: 'read' },
  list: { kind: 'read' },
  search: { kind: 'read' },
  read: { kind: 'read' },
  create: { kind: 'write', effect: 'create' },
  add: { kind: 'write', effect: 'create' },
  store: { kind: 'write', effect: 'update' },
  save: { kind: 'write', effect: 'update' },
  update: { kind: 'write', effect: 'update' },
  upsert: { kind: 'write', effect: 'update' },
  delete: { kind: 'write', effect: 'delete' },
  remove: { kind: 'write', effect: 'delete' },
};

/** The deed that a name tells: `getQuestion` and `get_question` read, `getter` says nothing. */
export function deedOf(name: string): Deed | undefined {
  const [verb = ''] = /^[a-z]+/.exec(name.replace(/^#/, '')) ?? [];
  return Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
}

/** All verbs of a kind, for people. */
export function verbsOf(kind: 'read' | 'write'): string {
  return Object.keys(verbs)
    .filter((verb) => verbs[verb]?.kind === kind)
    .join(', ');
}
