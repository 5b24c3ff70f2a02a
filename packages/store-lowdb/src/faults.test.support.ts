/** Disks that fail when a test wants them to: the real calls, except the one that is told to fail. */

import fs, { open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished, vi } from 'vitest';

type Method = (...args: unknown[]) => Promise<unknown>;

/** Lets the given calls of a file handle's method fail, counted from 1 and from now; the others are real. */
export async function failHandles(
  method: 'sync' | 'write',
  code: string,
  calls: readonly number[],
): Promise<void> {
  let count = 0;
  await wrapHandles(method, (real) => async (...args) => {
    count += 1;
    if (calls.includes(count)) throw systemError(code);
    return real(...args);
  });
}

/** Lets the given writes fail that did get out, as a failed sync does. */
export async function failAfterWriting(code: string, calls: readonly number[]): Promise<void> {
  let count = 0;
  await wrapHandles('write', (real) => async (...args) => {
    count += 1;
    const written = await real(...args);
    if (calls.includes(count)) throw systemError(code);
    return written;
  });
}

/** Lets handles write at most so many bytes a call, as a disk does that is nearly full. */
export async function writeInParts(most: number): Promise<void> {
  await wrapHandles('write', (real) => (bytes, at = 0) => {
    const rest = (bytes as Uint8Array).length - Number(at);
    return real(bytes, at, Math.min(most, rest));
  });
}

/** Lets a call of `node:fs/promises` fail once with a code. */
export function failOnce(name: 'link' | 'readFile' | 'rename' | 'rm', code: string): void {
  const spy = vi.spyOn(fs, name).mockRejectedValueOnce(systemError(code));
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
}

async function wrapHandles(name: string, wrap: (real: Method) => Method): Promise<void> {
  const handle = await open('/dev/null');
  const prototype: Record<string, Method> = Object.getPrototypeOf(handle);
  await handle.close();
  const real = prototype[name] as Method;
  const spy = vi.spyOn(prototype, name).mockImplementation(function (this: unknown, ...args) {
    return wrap((...passed) => Reflect.apply(real, this, passed))(...args);
  });
  onTestFinished(() => void spy.mockRestore());
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
