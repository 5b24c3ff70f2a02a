/** Whether spans are as the contract promises. */

import { attributes, type SpanContract, scope, spans } from '@graphiti-fallback/core/telemetry';
import type { JaegerSpan } from './query.ts';

/** Tags by which Jaeger tells what OTLP has elsewhere. */
const ofJaeger =
  /^(span\.kind|error|otel\.(scope\.(name|version)|status_code|status_description))$/;

/** What is wrong with a span of the kit, in words; nothing about those of others. */
export function breachesOf(span: JaegerSpan): string[] {
  const { name, tags } = span;
  if (tags['otel.scope.name'] !== scope.name) return [];
  const contract = contractOf(span);
  if (!contract) return [`${name}: no such span`];
  const known = new Set([...contract.required, ...contract.optional]);
  const kind = String(tags['span.kind'] ?? 'internal');
  return [
    ...(kind === contract.kind ? [] : [`${name}: ${kind}, not ${contract.kind}`]),
    ...contract.required.filter((key) => !(key in tags)).map((key) => `${name}: no ${key}`),
    ...Object.entries(tags)
      .filter(([key]) => !ofJaeger.test(key))
      .flatMap(([key, value]) =>
        known.has(key) ? breachOf(key, value) : [`${key} is not in the contract`],
      )
      .map((breach) => `${name}: ${breach}`),
  ];
}

/** An operation's span has the operation's name; all others begin as the contract says. */
function contractOf({ name, tags }: JaegerSpan): SpanContract | undefined {
  const { operation, ...others } = spans;
  const other = Object.values(others).find((each) => {
    const [beginning = '', named] = each.name.split(/ \{\w+\}$/);
    return named === undefined ? name === beginning : name.startsWith(`${beginning} `);
  });
  return other ?? (name === tags['graphiti_fallback.operation.name'] ? operation : undefined);
}

function breachOf(key: string, value: string | number | boolean): string[] {
  const contract = Object.values(attributes).find((each) => each.key === key);
  if (!contract) return [`${key} is not in the contract`];
  if (typeof value !== contract.type) return [`${key} is a ${typeof value}`];
  const { values } = contract;
  return values && !values.includes(String(value)) ? [`${key} is ${value}`] : [];
}
