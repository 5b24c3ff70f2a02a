export type { LowdbStoreOptions } from './options.ts';
export { lowdbStore } from './store.ts';
