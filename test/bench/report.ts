/** What was measured, for people and for programs. */

import { type Figure, isWithin, type Measured } from './figure.ts';

/** A figure with what it came to. */
export interface Result {
  readonly figure: Figure;
  readonly measured: Measured;
}

/** One line of JSON. */
export function reportJson(results: readonly Result[]): string {
  return JSON.stringify(
    results.map(({ figure: { name, budget, better, unit }, measured }) => {
      const { ratio, value, baseline, noise } = measured;
      return { name, ratio, budget, better, unit, value, baseline, noise };
    }),
  );
}

const columns = ['figure', 'ratio', 'budget', '', 'value', 'baseline', 'noise', 'unit'] as const;

/** A table, and below it what each figure compares. */
export function reportTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ figure, measured }) => [
    [
      figure.name,
      short(measured.ratio),
      `${figure.better === 'lower' ? '≤' : '≥'} ${figure.budget}`,
      isWithin(figure, measured) ? 'within' : 'OVER',
      short(measured.value),
      short(measured.baseline),
      short(measured.noise),
      figure.unit,
    ],
    ...(measured.beside ?? []).map(({ what, ratio }) => [`  ${what}`, short(ratio)]),
  ]);
  const all = [columns, ...rows];
  // What stands beside a figure may be long: it has the line to itself.
  const widths = columns.map((_, column) =>
    Math.max(
      ...all
        .filter((row) => row.length === columns.length || column > 0)
        .map((row) => row[column]?.length ?? 0),
    ),
  );
  const lines = all.map((row) =>
    row.length === columns.length
      ? row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()
      : `${row[1]?.padStart((widths[0] ?? 0) + 6)}  ${row[0]?.trim()}`,
  );
  const legend = results.map(
    ({ figure: { name, what, against } }) => `${name}: ${what}; against ${against}`,
  );
  return [...lines, '', ...legend].join('\n');
}

function short(number: number): string {
  return number.toFixed(2);
}
