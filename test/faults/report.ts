/** What came of the faults, for people and for programs. */

import type { Counts, Fault } from './fault.ts';

/** What came of one. */
export type Outcome =
  | { readonly fault: Fault; readonly skipped: string }
  | { readonly fault: Fault; readonly counts: Counts; readonly seconds: number };

/** Whether it came out as it must. */
export function isSound(outcome: Outcome): boolean {
  if ('skipped' in outcome) return true;
  const { fault, counts } = outcome;
  const { lost, wrong, undetected } = counts;
  if (fault.mutation) return lost + wrong > 0;
  if (fault.damages) return wrong === 0 && undetected === 0;
  return lost === 0 && wrong === 0 && undetected === 0;
}

/** One line, and examples of what went wrong. */
export function lineOf(outcome: Outcome): string {
  const name = outcome.fault.name.padEnd(28);
  if ('skipped' in outcome) return `skipped ${name} ${outcome.skipped}`;
  const { fault, counts, seconds } = outcome;
  const { runs, acknowledged, lost, wrong, undetected, examples, more = {} } = counts;
  const sound = isSound(outcome);
  const words = fault.mutation ? (sound ? 'found  ' : 'BLIND  ') : sound ? 'ok     ' : 'FAILED ';
  const numbers = `${runs} runs, ${acknowledged} acknowledged, ${lost} lost, ${wrong} wrong, ${undetected} undetected`;
  const besides = Object.entries(more).map(([name, count]) => `, ${name} ${count}`);
  const shown = sound ? [] : examples.map((example) => `\n          ${example}`);
  return `${words} ${name} ${numbers}${besides.join('')} (${seconds.toFixed(0)} s)${shown.join('')}`;
}

/** All counts by name. */
export function reportJson(outcomes: readonly Outcome[]): string {
  const entries = outcomes.map((outcome) => {
    if ('skipped' in outcome) return [outcome.fault.name, { skipped: outcome.skipped }];
    const { examples: _examples, more, ...counts } = outcome.counts;
    return [outcome.fault.name, { ...counts, ...more, sound: isSound(outcome) }];
  });
  return JSON.stringify(Object.fromEntries(entries));
}
