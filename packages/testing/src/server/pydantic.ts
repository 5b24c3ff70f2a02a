/** Pydantic's types, with its leniency; a schema's messages are the names of pydantic's errors. */

import * as v from 'valibot';
import type { ErrorType } from './validation.ts';

/** A string, and nothing that could be made one. */
export const text: v.GenericSchema<string> = v.string(errorType('string_type'));

/** A whole number, or a string that reads as one. */
export const integer: v.GenericSchema<unknown, number> = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }): number => {
    if (typeof value === 'string' && /^\s*[-+]?\d+(\.0*)?\s*$/.test(value)) return Number(value);
    if (typeof value === 'number' && Number.isInteger(value)) return value;
    addIssue({ message: integerError(value) });
    return NEVER;
  }),
);

/** A time, read into ISO 8601 in UTC. */
export const datetime: v.GenericSchema<unknown, string> = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }): string => {
    const readable = typeof value === 'string' || typeof value === 'number';
    const ms = readable ? millisecondsOf(value) : Number.NaN;
    if (Math.abs(ms) <= 8.64e15) return new Date(ms).toISOString();
    addIssue({ message: errorType(readable ? 'datetime_from_date_parsing' : 'datetime_type') });
    return NEVER;
  }),
);

/** An object with these entries; others are ignored. */
export function model<const Entries extends v.ObjectEntries>(
  entries: Entries,
): v.GenericSchema<unknown, v.InferOutput<v.ObjectSchema<Entries, ErrorType>>> {
  const name = errorType('model_attributes_type');
  return v.pipe(
    v.custom<object>((input) => !Array.isArray(input), name), // a list would pass as an object
    v.object(entries, name),
  );
}

/** Names an error, checked against those that have a saying. */
export function errorType(name: ErrorType): ErrorType {
  return name;
}

function integerError(value: unknown): ErrorType {
  if (typeof value === 'string') return 'int_parsing';
  return typeof value === 'number' ? 'int_from_float' : 'int_type';
}

/** ISO 8601, without an offset in UTC; numbers are seconds, large ones milliseconds. */
function millisecondsOf(value: string | number): number {
  if (typeof value === 'number' || /^-?\d+(\.\d+)?$/.test(value)) {
    const number = Number(value);
    return Math.abs(number) > 2e10 ? number : number * 1000;
  }
  const [, date, time = '00:00', offset = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[Tt _](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?([Zz]|[+-]\d\d:?\d\d)?)?$/.exec(
      value,
    ) ?? [];
  return Date.parse(`${date}T${time}${offset.replace(/^(...)(\d\d)$/, '$1:$2').toUpperCase()}`);
}
