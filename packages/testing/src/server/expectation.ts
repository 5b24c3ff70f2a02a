/** Input checked against what is expected of it, and said so in the user's words. */

import * as v from 'valibot';

/**
 * Reads input by a schema whose messages say what is expected, such as `a path`.
 *
 * @throws {TypeError} "Expected `x` to be this, got that"; `subject` names the input as a whole
 */
export function parsed<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  subject: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  throw new TypeError(complaint(result.issues[0], subject));
}

/** A schema of whole numbers in a range. */
export function wholeNumber(
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): v.GenericSchema<number> {
  const to = most === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${most}`;
  const expected = `a whole number of ${least} ${to}`;
  return v.pipe(
    v.number(expected),
    v.safeInteger(expected),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  );
}

function complaint(issue: v.BaseIssue<unknown>, subject: string): string {
  const path = (issue.path ?? []).map(({ key }) =>
    typeof key === 'number' ? `[${key}]` : `.${key}`,
  );
  const name = path.length === 0 ? subject : `\`${path.join('').replace(/^\./, '')}\``;
  const last = issue.path?.at(-1);
  if (last?.origin !== 'key') {
    return `Expected ${name} to be ${issue.message}, got ${display(issue.input)}`;
  }
  const verb = issue.expected === 'never' ? 'be left out' : 'be given';
  return `Expected ${name} to ${verb}, got ${display(last.value)}`;
}

function display(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'object' || typeof value === 'string'
    ? JSON.stringify(value)
    : String(value);
}
