/**
 * A disk that fails now and then, with the code in FAULT_CODE: a write that gets nothing, half or all of
 * its bytes out, a sync, a new file, a rename, a truncation. Everything else is real.
 */

import fs, { open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>;

const code = process.env.FAULT_CODE ?? 'EIO';
let seed = Number(process.env.FAULT_SEED ?? 1);
/** The longest run of failures: a disk that is away for a while. */
let failing = 0;

function random(): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return seed / 2 ** 31;
}

function fails(): boolean {
  if (failing > 0) failing -= 1;
  else if (random() < 0.02) failing = Math.floor(random() * 12) + 1;
  return failing > 0;
}

function failure(): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

const handle = await open('/dev/null');
const prototype: Record<string, Method> = Object.getPrototypeOf(handle);
await handle.close();

const write = prototype.write as Method;
prototype.write = async function (bytes, at = 0, ...more) {
  if (!fails()) return Reflect.apply(write, this, [bytes, at, ...more]);
  const rest = (bytes as Uint8Array).length - Number(at);
  const out = Math.floor(Math.floor(random() * 3) * 0.5 * rest);
  if (out > 0) await Reflect.apply(write, this, [bytes, at, out]);
  throw failure();
};
for (const name of ['sync', 'datasync', 'truncate']) {
  const real = prototype[name] as Method;
  prototype[name] = async function (...args) {
    if (fails()) throw failure();
    return Reflect.apply(real, this, args);
  };
}
const calls = fs as unknown as Record<string, Method>;
for (const name of ['open', 'rename', 'rm', 'link', 'mkdir']) {
  const real = calls[name] as Method;
  calls[name] = async (...args) => {
    if (started && fails()) throw failure();
    return real(...args);
  };
}
/** Starting is not what is tried here. */
let started = false;
setTimeout(() => {
  started = true;
}, 300).unref();
syncBuiltinESMExports();
