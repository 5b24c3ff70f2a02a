/** Spans against the contract. */

import { type SpanContract, type SpanKey, spans } from '@graphiti-fallback/core/telemetry';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { attributeProblem } from './attribute-check.ts';
import type { FinishedSpan } from './sdk-shapes.ts';

/** An operation's span bears the app's own name: it is known by what it says of itself. */
const operationKind = 'graphiti_fallback.operation.kind';

const kinds = {
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** Which span of the contract this is. */
export function spanKey({ name, attributes }: FinishedSpan): SpanKey | undefined {
  if (operationKind in attributes) return 'operation';
  const keys = Object.keys(spans) as SpanKey[];
  return keys.find((key) => key !== 'operation' && fits(name, spans[key].name));
}

/** Everything that is wrong with a span. */
export function spanProblems(span: FinishedSpan): readonly string[] {
  const key = spanKey(span);
  if (!key) return [`the span '${span.name}' is not in the contract`];
  return problems(span, spans[key]).map((problem) => `span '${span.name}': ${problem}`);
}

function* problemsOf(span: FinishedSpan, told: SpanContract): Generator<string | undefined> {
  const { attributes, kind, status, events } = span;
  if (kind !== kinds[told.kind])
    yield `its kind is ${SpanKind[kind]}, the contract says ${told.kind}`;
  for (const key of told.required)
    if (!(key in attributes)) yield `it misses the attribute '${key}'`;
  for (const [key, value] of Object.entries(attributes)) {
    const allowed = told.required.includes(key) || told.optional.includes(key);
    yield allowed ? attributeProblem(key, value) : `it must not have the attribute '${key}'`;
  }
  if (status.code === SpanStatusCode.OK) yield 'its status is OK, which is for the app to say';
  if (status.code === SpanStatusCode.ERROR && !told.error) yield 'its status must not be an error';
  if (status.message) yield 'its status has a message, which may be a text of the upstream';
  for (const { name } of events)
    yield `it has an event '${name}', which the contract does not hold`;
}

function problems(span: FinishedSpan, told: SpanContract): readonly string[] {
  return [...problemsOf(span, told)].filter((problem) => problem !== undefined);
}

/** Names end in a name of the app's where the contract has braces. */
function fits(name: string, told: string): boolean {
  const [start = '', open] = told.split('{');
  return open === undefined ? name === start : name.startsWith(start) && name.length > start.length;
}
