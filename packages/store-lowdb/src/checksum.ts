/** Checksums as eight digits of lower-case hex. */

/** Writes one. */
export function hexOf(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}

/** Reads one from bytes; -1 where there is none. */
export function readHex(bytes: Buffer, at: number): number {
  let value = 0;
  for (let index = 0; index < 8; index += 1) {
    const digit = digitOf(bytes[at + index] ?? 0);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}
