/** What must be in a store, what may be, and what must not, by what its writers said. */

import { contentOf, keyOf, stepOf, type Verb, type Written } from './workload.ts';

/** How many operations a process may number. */
const numbersOfAProcess = 100_000;

interface Known {
  readonly written: Written;
  /** Of each version whether it was acknowledged. */
  readonly versions: Map<number, boolean>;
  deleting: boolean;
  deleted: boolean;
}

/** What was found. */
export interface Judgement {
  /** Since the last one. */
  readonly acknowledged: number;
  /** Acknowledged and not there, or there in an older version, or there again. */
  readonly lost: readonly string[];
  /** Never written, or not as it was written, or before what came earlier in its lane. */
  readonly wrong: readonly string[];
}

/** Gathers what writers say, and judges what is found. */
export class Expectation {
  readonly #known = new Map<string, Known>();
  #acknowledged = 0;

  /** Takes lines of writers in, in order. */
  hear(lines: readonly string[]): void {
    for (const line of lines) {
      const step = stepOf(line);
      if (step) this.#take(step.sign === '+', step.verb, step.written);
    }
  }

  /**
   * Judges the queue's records in order, of all slots. Of a store that is `opened` they come as one: slots
   * of several processes, one after the other, and only what one process wrote has an order among itself.
   */
  judge(
    slots: readonly (readonly (readonly [key: string, value: unknown])[])[],
    opened = false,
  ): Judgement {
    const lost: string[] = [];
    const wrong: string[] = [];
    const found = new Map<string, unknown>();
    for (const records of slots) {
      const keys = records.map(([key]) => key);
      const groups = opened ? byProcess(keys) : [keys];
      wrong.push(...groups.flatMap(outOfOrder));
      for (const [key, value] of records) {
        if (found.has(key)) wrong.push(`${key} is there twice`);
        found.set(key, value);
      }
    }
    for (const [key, value] of found) {
      const known = this.#known.get(key);
      const version = known && versionOf(known, value);
      if (!known) wrong.push(`${key} was never written`);
      else if (version === undefined) wrong.push(`${key} is not as it was written`);
      else if (known.deleted) lost.push(`${key} is there again`);
      else if (version < latestAcknowledged(known))
        lost.push(`${key} is there in version ${version}`);
    }
    for (const [key, known] of this.#known)
      if (!found.has(key) && latestAcknowledged(known) >= 0 && !known.deleting)
        lost.push(`${key} is gone`);
    const acknowledged = this.#acknowledged;
    this.#acknowledged = 0;
    return { acknowledged, lost, wrong };
  }

  #take(acknowledged: boolean, verb: Verb, written: Written): void {
    const key = keyOf(written);
    const known = this.#known.get(key) ?? {
      written,
      versions: new Map(),
      deleting: false,
      deleted: false,
    };
    this.#known.set(key, known);
    if (acknowledged) this.#acknowledged += 1;
    if (verb === 'delete') {
      known.deleting = true;
      known.deleted ||= acknowledged;
    } else
      known.versions.set(
        written.version,
        acknowledged || (known.versions.get(written.version) ?? false),
      );
  }
}

function versionOf({ written, versions }: Known, value: unknown): number | undefined {
  const text = JSON.stringify(value);
  for (const version of versions.keys())
    if (JSON.stringify(contentOf({ ...written, version })) === text) return version;
  return undefined;
}

function latestAcknowledged({ versions }: Known): number {
  return Math.max(
    -1,
    ...[...versions].flatMap(([version, acknowledged]) => (acknowledged ? version : [])),
  );
}

/** Each process begins its numbers anew, a hundred thousand higher. */
function byProcess(keys: readonly string[]): string[][] {
  const groups = new Map<number, string[]>();
  for (const key of keys) {
    const process = Math.floor(Number(key.split(':')[1]) / numbersOfAProcess);
    const group = groups.get(process) ?? [];
    groups.set(process, group);
    group.push(key);
  }
  return [...groups.values()];
}

function outOfOrder(keys: readonly string[]): string[] {
  const last = new Map<string, number>();
  return keys.flatMap((key) => {
    const [lane = '', number = ''] = key.split(':');
    const before = last.get(lane) ?? -1;
    last.set(lane, Math.max(before, Number(number)));
    return Number(number) < before ? [`${key} comes behind ${before} of its lane`] : [];
  });
}
