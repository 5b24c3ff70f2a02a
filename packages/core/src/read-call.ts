/** One call of a read: what it asks, and what its caller gets. */

import { noHeaders, type SentHeaders } from './call-headers.ts';
import { type Called, OperationCall } from './operation-call.ts';
import type { Detailed } from './outcome.ts';
import type { ReadKey } from './read-keys.ts';
import type { ReadLimits } from './read-limits.ts';
import type { OperationSpan } from './telemetry/tracing.ts';

/** What is asked, once that is known to be in order. */
export interface Asking<Input, Value> extends OperationCall {
  readonly input: Input;
  readonly headers: SentHeaders;
  readonly key: ReadKey<Value>;
  readonly limits: ReadLimits;
  /** What the cache holds. */
  readonly kept: unknown;
}

/** A call from its input to what is given for it. */
export class ReadCall<Input, Value, Given> extends OperationCall implements Asking<Input, Value> {
  readonly input: Input;
  headers: SentHeaders = noHeaders;
  key!: ReadKey<Value>;
  limits!: ReadLimits;
  kept: unknown = undefined;
  readonly #given: (answer: Detailed<Value>) => Given;

  /** @param given what the caller gets of an answer */
  constructor(
    called: Called,
    startedAt: number,
    span: OperationSpan | undefined,
    input: Input,
    given: (answer: Detailed<Value>) => Given,
  ) {
    super(called, startedAt, span);
    this.input = input;
    this.#given = given;
  }

  /** Ends well. */
  answered(answer: Detailed<Value>): Given {
    this.succeeded();
    return this.#given(answer);
  }

  /** Ends badly. */
  thrown(error: unknown): never {
    this.failed(error);
    throw error;
  }
}
