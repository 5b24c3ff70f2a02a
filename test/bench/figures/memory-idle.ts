/** `memory.idle`: what live calls leave on the heap. */

import type { Call } from '../contest.ts';
import type { Measured } from '../figure.ts';
import { createSubject, inputs, upstream } from '../subject.ts';

const calls = 1_000_000;
const warmUp = 100_000;
const MiB = 1_048_576;
const [key = ''] = inputs;

export async function measure(): Promise<Measured> {
  const { reads } = await createSubject(1);
  const value = await growth(() => reads[0]?.(key));
  const baseline = await growth(() => upstream(key));
  const again = await growth(() => upstream(key));
  return { ratio: value, value, baseline, noise: again - baseline };
}

/** In MiB. */
async function growth(call: Call): Promise<number> {
  for (let number = 0; number < warmUp; number += 1) await call(number);
  const before = await heapUsed();
  for (let number = 0; number < calls; number += 1) await call(number);
  return ((await heapUsed()) - before) / MiB;
}

/** Timers and finalizers may still let go of something: they get their turn. */
async function heapUsed(): Promise<number> {
  for (let time = 0; time < 3; time += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}
