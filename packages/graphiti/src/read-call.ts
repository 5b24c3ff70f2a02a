/** Reads as an app makes them. */

import type { Detailed, ReadCallOptions } from '@graphiti-fallback/core';

/** Resolves to Graphiti's answer; `detailed` also tells where the answer came from. */
export interface ReadCall<Args extends readonly unknown[], Value> {
  (...args: [...Args, options?: ReadCallOptions | undefined]): Promise<Value>;
  detailed(...args: [...Args, options?: ReadCallOptions | undefined]): Promise<Detailed<Value>>;
}

/** Makes a read of its detailed form. */
export function readCall<Args extends readonly unknown[], Value>(
  detailed: ReadCall<Args, Value>['detailed'],
): ReadCall<Args, Value> {
  const call = (...args: [...Args, options?: ReadCallOptions | undefined]) =>
    detailed(...args).then(valueIn);
  return Object.assign(call, { detailed });
}

function valueIn<Value>({ value }: Detailed<Value>): Value {
  return value;
}
