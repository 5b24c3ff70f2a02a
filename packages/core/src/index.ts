export type {
  Bucket,
  Change,
  Durability,
  Identity,
  Journal,
  JournalStatus,
  OpenReport,
} from './journal.ts';
export type { Json } from './json.ts';
export { memoryJournal } from './memory-journal.ts';
