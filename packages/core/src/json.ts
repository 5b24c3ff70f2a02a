/** JSON as a type and as a promise: what is stored comes back equal, and nobody can change it under another's feet. */

/** A value that survives `JSON.stringify` and `JSON.parse` unchanged. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Deeper than this nothing is JSON to us: what walks through it must not run out of stack. */
const deepest = 512;

/**
 * Says where a value stops being JSON, as a path such as `$.tags[2]`, or nothing when all of it is.
 *
 * Optional members that are `undefined` are JSON by omission, as `JSON.stringify` has it. What is
 * nested more than 512 deep, or contains itself, is not.
 */
export function notJson(value: unknown, path = '$', depth = 0): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path;
  if (typeof value !== 'object' || depth >= deepest) return path;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = notJson(item, `${path}[${index}]`, depth + 1);
      if (found) return found;
    }
    return undefined;
  }
  if (!isPlain(value)) return path;
  for (const [key, item] of Object.entries(value)) {
    const found = item === undefined ? undefined : notJson(item, `${path}.${key}`, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** Freezes a value in depth and returns it, also below what is frozen already. */
export function deepFreeze<T>(value: T, seen: Set<object> = new Set()): T {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  seen.add(value);
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item, seen);
  return value;
}

/** Serialises JSON with sorted keys, so that equal values give equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : item,
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
