/** Notes of changes that others could not be told of: they outlast the process, so that its next start tells them. */

import type { Change, Journal } from '../journal.ts';
import type { Json } from '../json.ts';
import type { ValueChange } from './shared-values.ts';
import { nameOf } from './untold.ts';

/** No answer has such a key. */
const prefix = '\u0000untold ';

/** Whether a key of the cache's store is that of a note. */
export function isUntoldNote(key: string): boolean {
  return key.startsWith(prefix);
}

/** Writes them beside the answers. */
export class UntoldNotes {
  readonly #journal: Journal;
  readonly #onFailure: (error: unknown) => void;
  readonly #noted = new Set<string>();

  constructor(journal: Journal, onFailure: (error: unknown) => void) {
    this.#journal = journal;
    this.#onFailure = onFailure;
  }

  /** What an earlier process could not tell. */
  found(): readonly ValueChange[] {
    const found: ValueChange[] = [];
    for (const [key, stored] of this.#journal.entries('cache')) {
      if (!isUntoldNote(key)) continue;
      this.#noted.add(key);
      // What somebody's hand has left says that something happened.
      found.push(isChange(stored) ? stored : { kind: 'clear' });
    }
    return found;
  }

  /** Resolves when they outlast this process, or that was tried. */
  note(changes: Iterable<ValueChange>): Promise<void> {
    const puts: Change[] = [];
    for (const change of changes) {
      const key = `${prefix}${nameOf(change)}`;
      if (this.#noted.has(key)) continue;
      this.#noted.add(key);
      puts.push({ bucket: 'cache', key, put: change as unknown as Json });
    }
    return this.#commit(puts, false);
  }

  /** They are told, or need not be any more. */
  drop(changes: Iterable<ValueChange>): void {
    if (this.#noted.size === 0) return;
    const deletions: Change[] = [];
    for (const change of changes) {
      const key = `${prefix}${nameOf(change)}`;
      if (this.#noted.delete(key)) deletions.push({ bucket: 'cache', key, delete: true });
    }
    void this.#commit(deletions, true);
  }

  async #commit(changes: readonly Change[], lazy: boolean): Promise<void> {
    if (changes.length > 0) await this.#journal.commit(changes, { lazy }).catch(this.#onFailure);
  }
}

function isChange(stored: unknown): stored is ValueChange {
  const { kind, entity, key } = Object(stored) as Record<string, unknown>;
  if (kind === 'expire' || kind === 'remove') return typeof entity === 'string';
  return kind === 'clear' || (kind === 'forget' && typeof key === 'string');
}
