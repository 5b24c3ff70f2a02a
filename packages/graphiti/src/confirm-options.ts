/** How messages are confirmed: by reading the episodes of their groups until they are there. */

import {
  type Check,
  type Confirmation,
  checkOptions,
  either,
  milliseconds,
  off,
  oneOf,
} from '@graphiti-fallback/core';

/** How long messages are waited for, and what becomes of those that do not come. Times in ms. */
export type ConfirmOptions = Pick<
  Confirmation<unknown>,
  'within' | 'interval' | 'maxInterval' | 'unconfirmed'
>;

const members: Readonly<Record<keyof ConfirmOptions, Check>> = {
  within: either(milliseconds(1), off),
  interval: milliseconds(1),
  maxInterval: milliseconds(1),
  unconfirmed: oneOf('report', 'dead_letter', 'resend'),
};

/** Checks `confirm` of the options. @throws {TypeError} naming the member, what was expected and what came */
export function checkConfirm(confirm: unknown): void {
  if (confirm === undefined || confirm === false) return;
  if (typeof confirm !== 'object' || confirm === null)
    throw new TypeError(
      `Expected \`confirm\` of graphitiUpstream to be an object of options or false, got ${String(confirm)}`,
    );
  checkOptions('`confirm` of graphitiUpstream', confirm, members);
}
