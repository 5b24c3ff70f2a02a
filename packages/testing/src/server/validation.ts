/** FastAPI's 422: what is wrong with a request, one entry for each fault in it. */

import * as v from 'valibot';
import { refusal } from './answer.ts';
import type { Body } from './body.ts';

/** Pydantic's error types, which schemas give as their messages, and what it says to each. */
const sayings = {
  missing: 'Field required',
  string_type: 'Input should be a valid string',
  list_type: 'Input should be a valid list',
  int_type: 'Input should be a valid integer',
  int_parsing: 'Input should be a valid integer, unable to parse string as an integer',
  int_from_float: 'Input should be a valid integer, got a number with a fractional part',
  literal_error: "Input should be 'user', 'assistant' or 'system'",
  datetime_type: 'Input should be a valid datetime',
  datetime_from_date_parsing: 'Input should be a valid datetime or date, invalid character in year',
  model_attributes_type: 'Input should be a valid dictionary or object to extract fields from',
} as const;

/** The name of an error as pydantic names it. */
export type ErrorType = keyof typeof sayings;

/** Checks a body against a schema whose messages are error types; throws the 422. */
export function validBody<Schema extends v.GenericSchema>(
  schema: Schema,
  body: Body,
): v.InferOutput<Schema> {
  switch (body.kind) {
    case 'none':
      throw missing(['body']);
    case 'text':
      throw unprocessable([detail('model_attributes_type', ['body'], body.text)]);
    case 'malformed': {
      const loc = ['body', body.position];
      throw unprocessable([{ type: 'json_invalid', loc, msg: 'JSON decode error', input: {} }]);
    }
    case 'too_large':
      throw refusal(413, 'Request body is larger than 4 MiB');
    case 'json':
      if (body.value === null) throw missing(['body']);
      return valid(schema, body.value, ['body']);
  }
}

/** Checks query parameters against a schema whose messages are error types; throws the 422. */
export function validQuery<Schema extends v.GenericSchema>(
  schema: Schema,
  query: Readonly<Record<string, string>>,
): v.InferOutput<Schema> {
  return valid(schema, query, ['query']);
}

type Location = readonly (string | number)[];

interface Detail {
  readonly type: string;
  readonly loc: Location;
  readonly msg: string;
  readonly input: unknown;
}

function valid<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  root: Location,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  throw unprocessable(result.issues.map((issue) => detailOf(issue, root)));
}

function detailOf(issue: v.BaseIssue<unknown>, root: Location): Detail {
  const path = issue.path ?? [];
  const last = path.at(-1);
  const loc = [...root, ...path.map(({ key }) => key as string | number)];
  if (last?.origin !== 'key') return detail(issue.message as ErrorType, loc, issue.input);
  return detail('missing', loc, root[0] === 'query' ? null : last.input);
}

function detail(type: ErrorType, loc: Location, input: unknown): Detail {
  return { type, loc, msg: sayings[type], input };
}

function missing(loc: Location) {
  return unprocessable([detail('missing', loc, null)]);
}

function unprocessable(details: readonly Detail[]) {
  return refusal(422, details);
}
