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
export function notJson(value: unknown): string | undefined {
  const wrong = wrongAt(value, 0);
  return wrong === undefined ? undefined : `$${wrong}`;
}

/** The path below a value, made only on the way back from what is wrong. */
function wrongAt(value: unknown, depth: number): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : '';
  if (typeof value !== 'object' || depth >= deepest) return '';
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const wrong = wrongAt(value[index], depth + 1);
      if (wrong !== undefined) return `[${index}]${wrong}`;
    }
    return undefined;
  }
  if (!isPlain(value)) return '';
  // A list of the keys would have to be made for each object of each answer.
  for (const key in value) {
    const item = value[key];
    const wrong = item === undefined ? undefined : wrongAt(item, depth + 1);
    // What somebody added to all objects is no part of this one.
    if (wrong !== undefined && Object.hasOwn(value, key)) return `.${key}${wrong}`;
  }
  return undefined;
}

/** Quotes, colon and comma of a member; quotes of a text. */
const aroundMember = 4;
const aroundText = 2;
/** Of a word such as `null`; and of a number, about. */
const wordSize = 4;
const numberSize = 8;

/**
 * About how many characters the text of a value has as JSON: exact but for numbers and escapes, at a
 * fraction of the cost of writing it. `undefined` where {@link notJson} finds something.
 */
export function sizeOfJson(value: unknown): number | undefined {
  const size = measured(value, 0);
  return size < 0 ? undefined : size;
}

/** Negative for what is not JSON. */
function measured(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length + aroundText;
  if (value === null || typeof value === 'boolean') return wordSize;
  if (typeof value === 'number') return Number.isFinite(value) ? numberSize : -1;
  if (typeof value !== 'object' || depth >= deepest) return -1;
  let sum = 1;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const size = measured(value[index], depth + 1);
      if (size < 0) return -1;
      sum += size + 1;
    }
    return sum;
  }
  if (!isPlain(value)) return -1;
  for (const key in value) {
    const item = value[key];
    const size = item === undefined ? 0 : measured(item, depth + 1);
    if (size < 0 && Object.hasOwn(value, key)) return -1;
    if (size > 0) sum += size + key.length + aroundMember;
  }
  return sum;
}

/** Whether a value is JSON, and the same as some that is; the order of members does not matter. */
export function equalsJson(json: unknown, value: unknown): boolean {
  if (json === value) return true;
  if (!isObject(json) || !isObject(value)) return false;
  if (Array.isArray(json)) {
    if (!Array.isArray(value) || value.length !== json.length) return false;
    for (let index = 0; index < json.length; index += 1) {
      const item: unknown = json[index];
      if (item !== value[index] && !equalsJson(item, value[index])) return false;
    }
    return true;
  }
  if (!isPlain(value) || Array.isArray(value)) return false;
  let members = 0;
  for (const key in value) {
    // Read, it would be what all objects inherit; of that, nothing else is JSON.
    if (key === '__proto__') return false;
    const item = (json as Members)[key];
    if (item === undefined || (item !== value[key] && !equalsJson(item, value[key]))) return false;
    members += 1;
  }
  return members === Object.keys(json).length;
}

/** A copy of JSON that shares nothing with it. What cannot be cloned, a Proxy say, is copied as its text has it. */
export function copyJson<T>(value: T): T {
  try {
    return structuredClone(value);
  } catch {
    return JSON.parse(JSON.stringify(value)) as T;
  }
}

/** Freezes JSON in depth and returns it: what {@link notJson} found nothing wrong with. */
export function freezeJson<T>(value: T): T {
  if (isObject(value)) freezeTree(value);
  return value;
}

/** JSON does not contain itself: nobody has to remember what was seen. */
function freezeTree(holder: object): void {
  Object.freeze(holder);
  if (Array.isArray(holder)) {
    for (let index = 0; index < holder.length; index += 1)
      if (isObject(holder[index])) freezeTree(holder[index]);
    return;
  }
  for (const key in holder) {
    const item = (holder as Members)[key];
    if (isObject(item) && Object.hasOwn(holder, key)) freezeTree(item);
  }
}

/** Freezes anything in depth and returns it, also below what is frozen already. */
export function deepFreeze<T>(value: T): T {
  if (isObject(value)) freezeBelow(value, undefined);
  return value;
}

/** Flat values are many: only what holds others needs to know what was seen. */
function freezeBelow(holder: object, known: Set<object> | undefined): void {
  Object.freeze(holder);
  let seen = known;
  for (const key of Object.keys(holder)) {
    const item = (holder as Members)[key];
    if (!isObject(item)) continue;
    seen ??= new Set([holder]);
    if (seen.has(item)) continue;
    seen.add(item);
    freezeBelow(item, seen);
  }
}

/** Serialises JSON with sorted keys, so that equal values give equal texts. */
export function canonical(value: unknown): string {
  return isSorted(value) ? JSON.stringify(value) : sorted(value);
}

/** What is sorted as it stands, the platform writes several times faster. */
function isSorted(value: unknown): boolean {
  if (!isObject(value)) return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let before = '';
  for (const key in value) {
    if (key < before || !isSorted((value as Members)[key])) return false;
    before = key;
  }
  return true;
}

function sorted(value: unknown): string {
  if (!isObject(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  const members = value as Members;
  const texts = Object.keys(members)
    .sort()
    .filter((key) => members[key] !== undefined)
    .map((key) => `${JSON.stringify(key)}:${sorted(members[key])}`);
  return `{${texts.join(',')}}`;
}

type Members = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isPlain(value: object): value is Members {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  // That of another realm, as test runners have them: what `fetch` parsed there is JSON here.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** What a text says; nothing where it is no JSON: somebody's hand may have been in the store. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
