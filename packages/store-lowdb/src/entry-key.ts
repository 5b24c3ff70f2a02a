/** The key of an entry as the files have it, `{"key":"…`: as text, or as a number that tells most keys apart. */

const quote = 0x22;
const backslash = 0x5c;
/** `{"key":"` */
const keyAt = 8;

/** Where the key ends of an entry that begins at `start`. */
export function endOfKey(bytes: Buffer, start: number, end: number): number {
  let at = start + keyAt;
  for (; at < end && bytes[at] !== quote; at += 1) if (bytes[at] === backslash) at += 1;
  return at;
}

/** The key of an entry that lies in bytes. */
export function keyOf(bytes: Buffer, start: number, end: number): string {
  const keyEnd = endOfKey(bytes, start, end);
  const from = start + keyAt;
  let all = 0;
  for (let at = from; at < keyEnd; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === backslash) return JSON.parse(bytes.toString('utf8', from - 1, keyEnd + 1));
    all |= byte;
  }
  return bytes.toString(all < 0x80 ? 'latin1' : 'utf8', from, keyEnd);
}

/** FNV-1a of a key. */
export function hashOf(key: string): number {
  let hash = offset;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), prime);
  return hash;
}

/** The same of the key of an entry that lies in bytes; nothing where it is not plain ASCII. */
export function hashAt(bytes: Buffer, start: number, end: number): number | undefined {
  let hash = offset;
  let all = 0;
  for (let at = start + keyAt; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) return all < 0x80 ? hash : undefined;
    if (byte === backslash) return undefined;
    all |= byte;
    hash = Math.imul(hash ^ byte, prime);
  }
  return undefined;
}

const offset = 0x811c9dc5 | 0;
const prime = 0x01000193;
