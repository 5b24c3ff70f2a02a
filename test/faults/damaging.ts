/** A process that damages a copy of a store in every way of a kind, and judges what is still found. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStore, type StoredSlot } from '@graphiti-fallback/store-lowdb';
import { Expectation } from './expectation.ts';
import { type Counts, Tally } from './fault.ts';
import type { Verdict } from './oracle.ts';

const self = fileURLToPath(import.meta.url);

/** What is done to a store. */
export type DamageKind = 'truncation' | 'truncation_of_the_end' | 'bit_flips' | 'zeroed_tail';

interface Task {
  readonly kind: DamageKind;
  /** The slot. */
  readonly folder: string;
  /** What its writer said. */
  readonly lines: readonly string[];
  readonly quick: boolean;
}

/** Starts the process, and resolves to what it counted. */
export async function damage(task: Task, shims: readonly string[]): Promise<Counts> {
  const imports = shims.flatMap((shim) => [
    '--import',
    new URL(`./shims/${shim}`, import.meta.url).href,
  ]);
  const child = fork(self, [], { execArgv: [...process.execArgv, ...imports] });
  child.send(task);
  const [answer] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`It ended (exit ${code})`))),
  ]);
  child.disconnect();
  return answer;
}

if (process.argv[1] === self)
  process.once('message', async (task: Task) => {
    const judge = new Judge(task);
    await judge.undamaged();
    await kinds[task.kind](task, judge);
    process.send?.(judge.tally.counts);
  });

const kinds: Readonly<Record<DamageKind, (task: Task, judge: Judge) => Promise<void>>> = {
  /** Of a segment that another one follows, which knows how long it was. */
  async truncation({ folder, quick }, judge) {
    const [name = ''] = await segmentsOf(folder);
    await cutShorter(join(folder, name), quick ? 101 : 1, (length, sound) =>
      judge.add(linesFrom(sound, length)),
    );
  },

  /** Of the newest one. Cut off between two batches it is as if the later ones were never written. */
  async truncation_of_the_end({ folder, quick }, judge) {
    const name = (await segmentsOf(folder)).at(-1) ?? '';
    await cutShorter(join(folder, name), quick ? 101 : 7, (length, sound) =>
      judge.add(linesFrom(sound, length), endsBatch(sound, length)),
    );
  },

  async zeroed_tail({ folder, quick }, judge) {
    const name = (await segmentsOf(folder)).at(-1) ?? '';
    const path = join(folder, name);
    const sound = await readFile(path);
    const file = await open(path, 'r+');
    for (let zeros = 1; zeros < Math.min(sound.length, 20_000); zeros += quick ? 997 : 61) {
      const from = sound.length - zeros;
      await file.write(Buffer.alloc(zeros), 0, zeros, from);
      await judge.add(linesFrom(sound, from));
      await restore(file, sound);
    }
    await file.close();
  },

  async bit_flips({ folder, quick }, judge) {
    const files = [...(await readdir(folder))].filter((name) => /\.(json|ndjson)$/.test(name));
    const flips = Math.ceil((quick ? 150 : 6_000) / files.length);
    for (const name of files) {
      const path = join(folder, name);
      const sound = await readFile(path);
      const file = await open(path, 'r+');
      for (let flip = 0; flip < flips; flip += 1) {
        const offset = placeOf(flip, flips, sound.length);
        const byte = Number(sound[offset]) ^ (1 << (flip % 8));
        await file.write(Buffer.from([byte]), 0, 1, offset);
        await judge.add(name.startsWith('db.') ? 0 : 1);
        await file.write(sound, offset, 1, offset);
      }
      await file.close();
    }
  },
};

/** Compares what is found with what writers said. */
class Judge {
  readonly tally = new Tally();
  readonly #folder: string;
  readonly #expectation = new Expectation();
  #acknowledged = 0;

  constructor({ folder, lines }: Task) {
    this.#folder = folder;
    this.#expectation.hear(lines);
  }

  /** Before anything is damaged nothing may be missing. */
  async undamaged(): Promise<void> {
    const { lost, wrong, acknowledged } = await this.#look();
    this.#acknowledged = acknowledged;
    if (lost.length + wrong.length > 0) throw new Error(`Undamaged: ${[...lost, ...wrong]}`);
  }

  /** One run: at most so many changes may be lost, and none without a word unless that is `known`. */
  async add(most: number, known = false): Promise<void> {
    const { lost, wrong, reported } = await this.#look();
    const acknowledged = this.#acknowledged; // by one writer, of which all runs are copies
    this.#acknowledged = 0;
    const beyond = lost.slice(most).map((each) => `${each}, which was not damaged`);
    this.tally.add({
      acknowledged,
      lost,
      wrong: [...wrong, ...beyond],
      reported: reported || known,
    });
  }

  async #look(): Promise<Verdict> {
    try {
      const slots = await readStore(this.#folder);
      const judgement = this.#expectation.judge(slots.map((slot) => [...slot.entries('queue')]));
      return { ...judgement, reported: slots.some(saysSo) };
    } catch (error) {
      return { acknowledged: 0, lost: [], wrong: [`it cannot be read: ${error}`], reported: false };
    }
  }
}

function saysSo({ missing, torn, warnings }: StoredSlot): boolean {
  return missing + torn + warnings.length > 0;
}

async function segmentsOf(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort();
}

async function cutShorter(
  path: string,
  step: number,
  judge: (length: number, sound: Buffer) => Promise<void>,
): Promise<void> {
  const sound = await readFile(path);
  const file = await open(path, 'r+');
  for (let length = sound.length - 1; length >= 0; length -= step) {
    await file.truncate(length);
    await judge(length, sound);
  }
  await restore(file, sound);
  await file.close();
}

async function restore(file: FileHandle, sound: Buffer): Promise<void> {
  await file.write(sound, 0, sound.length, 0);
}

/** Spread over a file, with one in eight at its beginning and at its end. */
function placeOf(flip: number, flips: number, length: number): number {
  const near = Math.floor(flip / 8) % length;
  if (flip % 8 === 0) return near;
  if (flip % 8 === 1) return length - 1 - near;
  return Math.floor((flip * length) / flips);
}

/** How many lines are damaged from a position on. */
function linesFrom(bytes: Buffer, from: number): number {
  let lines = 1;
  for (const byte of bytes.subarray(from)) if (byte === 0x0a) lines += 1;
  return lines;
}

/** Whether a file that ends here ends with its header, or the last change of a batch. */
function endsBatch(bytes: Buffer, length: number): boolean {
  if (length === 0) return true;
  if (bytes[length - 1] !== 0x0a) return false;
  const lines = bytes.toString('utf8', 0, length).trimEnd().split('\n');
  const [, seq, , last] = JSON.parse(lines.at(-1) ?? '[]');
  return typeof seq === 'object' || seq === last;
}
