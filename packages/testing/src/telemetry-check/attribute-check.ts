/** Attributes against the contract: known, of their type, with values that cannot hold a payload. */

import { type AttributeContract, attributes } from '@graphiti-fallback/core/telemetry';

const byKey = new Map(Object.values(attributes).map((told) => [told.key, told]));

/** Names are an app's own: short, on one line. Codes and ids are words of few kinds of characters. */
const shapes = {
  names: /^[^\p{Cc}]{1,200}$/u,
  codes: /^[A-Za-z0-9_.:/-]{1,80}$/,
  ids: /^[A-Za-z0-9-]{1,64}$/,
} as const;

/** What is wrong with an attribute; nothing when it is as promised. */
export function attributeProblem(key: string, value: unknown): string | undefined {
  const told = byKey.get(key);
  if (!told) return `the attribute '${key}' is not in the contract`;
  if (typeof value !== told.type)
    return `'${key}' is a ${typeof value}, the contract says ${told.type}`;
  return valueProblem(told, value as string | number | boolean);
}

function valueProblem(
  { key, cardinality, values }: AttributeContract,
  value: string | number | boolean,
): string | undefined {
  if (typeof value === 'number')
    return Number.isFinite(value) && value >= 0 ? undefined : `'${key}' is ${value}`;
  if (typeof value === 'boolean') return undefined;
  if (values)
    return values.includes(value)
      ? undefined
      : `'${key}' has a value that the contract does not allow: '${value}'`;
  if (cardinality === 'values' || cardinality === 'measured') return undefined;
  if (shapes[cardinality].test(value)) return undefined;
  return `'${key}' does not look like one of its ${cardinality}, but like a payload: '${value.slice(0, 40)}'`;
}
