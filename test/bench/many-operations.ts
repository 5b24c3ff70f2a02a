/** How a figure grows with the number of operations that a manager has. */

import { type Call, contest } from './contest.ts';
import type { Measured } from './figure.ts';
import type { Subject } from './subject.ts';

/**
 * Measures a manager of many operations, called in turn, and puts it beside. To be called when the figure
 * itself is measured: a second manager in the process would change what the compiler makes of the first.
 */
export async function withManyOperations(
  measured: Measured,
  baseline: Call,
  { call, reads }: Subject,
): Promise<Measured> {
  const { ratio } = await contest({ subject: call, baseline });
  const what = `${reads.length.toLocaleString('en')} operations declared, called in turn`;
  return { ...measured, beside: [...(measured.beside ?? []), { what, ratio }] };
}
