/** Performing an operation: in its span, when the stores are open, and its end is told. */

import { type Called, OperationCall } from './operation-call.ts';

/** Runs an operation's body. */
export function perform<T>(called: Called, body: (call: OperationCall) => Promise<T>): Promise<T> {
  const { collector, life } = called.engine;
  collector.bind();
  if (life.opened) return performOpened(called, body);
  return life.open().then(() => performOpened(called, body));
}

async function performOpened<T>(
  called: Called,
  body: (call: OperationCall) => Promise<T>,
): Promise<T> {
  const { clock, tracing } = called.engine;
  const call = new OperationCall(called, clock.elapsed(), tracing.operation(called));
  let result: T;
  try {
    result = await (call.span ? call.span.run(() => body(call)) : body(call));
  } catch (error) {
    call.failed(error);
    throw error;
  }
  call.succeeded();
  return result;
}
