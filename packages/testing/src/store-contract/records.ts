/** Short words for the suite: records in and out of a store. */

import type { Bucket, Change, Journal, Json } from '@graphiti-fallback/core';

/** Puts a record, into the queue where nothing else is said. */
export function put(key: string, value: Json, bucket: Bucket = 'queue'): Change {
  return { bucket, key, put: value };
}

/** Deletes one. */
export function remove(key: string, bucket: Bucket = 'queue'): Change {
  return { bucket, key, delete: true };
}

/** The records of a bucket, in order. */
export function recordsOf(store: Journal, bucket: Bucket = 'queue'): [string, Json][] {
  return [...store.entries(bucket)].map(([key, value]) => [key, value]);
}

/** The keys of a bucket, in order. */
export function keysOf(store: Journal, bucket: Bucket = 'queue'): string[] {
  return recordsOf(store, bucket).map(([key]) => key);
}
