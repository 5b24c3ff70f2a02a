/** Every figure with its budget. Adding one is a row here and a file in `figures/`. */

import type { Figure } from './figure.ts';

export const figures: readonly Figure[] = [
  {
    name: 'call.noop',
    what: 'a live read through the whole path, cache write off, no SDK',
    against: "opossum's fire with its timeout",
    budget: 1.5,
    better: 'lower',
    unit: 'µs CPU a call',
    file: 'call-noop.ts',
  },
  {
    name: 'call.sdk',
    what: 'the same with SDK 3: sampled batched spans, metrics',
    against: 'the function in one startActiveSpan, with one histogram record',
    budget: 1.5,
    better: 'lower',
    unit: 'µs CPU a call',
    file: 'call-sdk.ts',
  },
  {
    name: 'call.open',
    what: 'breaker open, answer from the cache, no SDK',
    against: "opossum's open breaker with a fallback function",
    budget: 1,
    better: 'lower',
    unit: 'µs CPU a call',
    file: 'call-open.ts',
  },
  {
    name: 'cache.hit',
    what: 'a fresh hit with SDK 3',
    against: "lru-cache's get in startActiveSpan, with one histogram record",
    budget: 2,
    better: 'lower',
    unit: 'µs CPU a call',
    file: 'cache-hit.ts',
  },
  {
    name: 'http.express',
    what: 'a request to an Express app that reads once from Graphiti',
    against: 'the bare app with fetch',
    budget: 1.15,
    better: 'lower',
    unit: 'µs server CPU a request',
    file: 'http.ts',
  },
  {
    name: 'http.koa',
    what: 'a request to a Koa app that reads once from Graphiti',
    against: 'the bare app with fetch',
    budget: 1.15,
    better: 'lower',
    unit: 'µs server CPU a request',
    file: 'http.ts',
  },
  {
    name: 'memory.idle',
    what: 'heap growth over 1,000,000 live calls of one key',
    against: 'nothing: the ratio is the value',
    budget: 1,
    better: 'lower',
    unit: 'MiB',
    file: 'memory-idle.ts',
  },
];
