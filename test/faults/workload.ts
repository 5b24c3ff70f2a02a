/** What the writers write: whatever is found later can be told from it alone. */

/** Whose records they are. */
export const identity = { manager: 'faults', hash: 'fa17fa17fa17fa17fa17fa17fa17fa17' } as const;

/** One operation of a lane; `version` grows when it is written again. */
export interface Written {
  readonly lane: number;
  readonly number: number;
  readonly version: number;
}

/** The key of an operation; numbers of a lane grow. */
export function keyOf({ lane, number }: Written): string {
  return `${lane}:${number}`;
}

/** What an operation holds: made of its name alone, and never the same twice. */
export function contentOf({ lane, number, version }: Written): {
  readonly lane: number;
  readonly number: number;
  readonly version: number;
  readonly text: string;
} {
  const seed = lane * 7919 + number * 31 + version * 131;
  const length = seed % 97 === 0 ? 40_000 : seed % 1200;
  const part = pieces[seed % pieces.length] ?? '';
  return { lane, number, version, text: `${seed}:`.padEnd(length, part || `${seed}`) };
}

const pieces = ['x', '', 'ü', '\u2028', '["00000000"', '\ud800', '__proto__', '\n"', '\u0000'];

/** What a writer says of a step: begun, done or refused. */
export type Sign = '>' | '+' | '!';

/** A step: put, put again, delete. */
export type Verb = 'put' | 'update' | 'delete';

/** A step as a line of text. */
export function lineOf(sign: Sign, verb: Verb, { lane, number, version }: Written): string {
  return `${sign} ${verb} ${lane} ${number} ${version}`;
}

/** The step of a line; nothing where a line says something else, or was cut off. */
export function stepOf(line: string): { sign: Sign; verb: Verb; written: Written } | undefined {
  const [, sign, verb, lane, number, version] =
    /^([>+!]) (put|update|delete) (\d+) (\d+) (\d+)$/.exec(line) ?? [];
  if (!sign || !verb) return undefined;
  const written = { lane: Number(lane), number: Number(number), version: Number(version) };
  return { sign: sign as Sign, verb: verb as Verb, written };
}
