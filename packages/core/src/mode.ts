/** What each fallback mode does with reads and writes while a breaker is not closed: plain policy, no state. */

/** The modes, from doing nothing to doing most. */
export const fallbackModes = [
  'disabled',
  'read_only',
  'memory_only',
  'local_storage',
  'queue_writes',
] as const;

/**
 * What happens to operations while their breaker is not closed.
 *
 * - `disabled`: errors pass; the breaker still spares the upstream
 * - `read_only`: reads from the cache, writes refused
 * - `memory_only`: reads from the cache and local entities, writes kept in memory and replayed while the process lives
 * - `local_storage`: reads from the cache and local entities, writes stored on disk; they stay there until `sync({ include: 'local' })`
 * - `queue_writes`: reads from the cache and local entities, writes on disk, replayed on recovery
 */
export type FallbackMode = (typeof fallbackModes)[number];

/** What becomes of a write that the upstream cannot take now. */
export type FallbackWrite = 'pass' | 'refuse' | 'memory' | 'local' | 'queue';

interface ModePolicy {
  /** Whether reads are answered from what is at hand; otherwise the upstream's error passes. */
  readonly servesReads: boolean;
  /** Whether local entities are at hand for them, too. */
  readonly servesEntities: boolean;
  readonly write: FallbackWrite;
}

/** Each mode's policy. */
export const modes: Readonly<Record<FallbackMode, ModePolicy>> = {
  disabled: { servesReads: false, servesEntities: false, write: 'pass' },
  read_only: { servesReads: true, servesEntities: false, write: 'refuse' },
  memory_only: { servesReads: true, servesEntities: true, write: 'memory' },
  local_storage: { servesReads: true, servesEntities: true, write: 'local' },
  queue_writes: { servesReads: true, servesEntities: true, write: 'queue' },
};
