export type { LowdbStoreOptions } from './options.ts';
export { readStore, type StoredSlot } from './read-store.ts';
export { lowdbStore } from './store.ts';
