/** The folder of one identity: what is found there when a journal opens, and what processes that are gone left. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity, OpenReport, StoreRole } from '@graphiti-fallback/core';
import { codeOf } from './durable-file.ts';
import { inspectFolder } from './filesystem.ts';
import { sizeOf } from './journal-scan.ts';
import type { Limits } from './options.ts';
import { recordOwner } from './owner.ts';
import { createSlot, hold, slotNames, takeSlot } from './slot.ts';
import { readSlot, type Tenancy } from './tenancy.ts';

/** What opening found: slots, or none yet, or a problem that keeps them from being used. */
export interface Opened {
  /** The slot to write to. */
  readonly tenancy?: Tenancy;
  readonly problem?: string;
  readonly report: OpenReport;
}

/** What is at stake where a folder cannot be used. */
export interface Stake extends Pick<Limits, 'onUnwritable' | 'setting'> {
  readonly role: StoreRole | undefined;
}

/** Takes and reads the first free slot that is there. Never rejects, and creates no folder. */
export async function openHome(home: string, identity: Identity, at: Stake): Promise<Opened> {
  const began = performance.now();
  const tookMs = () => performance.now() - began;
  try {
    const warnings = await inspectFolder(home);
    const slot = await takeSlot(home);
    if (!slot) return { report: { records: 0, quarantined: [], warnings, tookMs: tookMs() } };
    await recordOwner(home, identity);
    const tenancy = await readSlot(slot);
    return { tenancy, report: { ...reportOf(tenancy, warnings), tookMs: tookMs() } };
  } catch (error) {
    const problem = codeOf(error);
    const warnings = [unusable(home, problem, at)];
    return { problem, report: { records: 0, quarantined: [], warnings } };
  }
}

/** What a folder that cannot be used means, and where it is chosen. */
function unusable(home: string, problem: string, { role, onUnwritable, setting }: Stake): string {
  const whose = role === undefined ? 'The folder' : `The ${role}'s folder`;
  const kept = onUnwritable === 'memory';
  const meanwhile = {
    queue: kept ? 'writes are queued in memory only' : 'writes are not queued',
    cache: 'answers are cached in memory only',
    other: kept ? 'everything is kept in memory only' : 'nothing is kept',
  }[role ?? 'other'];
  return `${whose} ${home} cannot be used (${problem}): ${meanwhile} until it can be written. ${setting} chooses another.`;
}

/** Takes a slot with nothing in it, creating what is missing. @throws the system's error */
export async function settleIn(home: string, identity: Identity): Promise<Tenancy> {
  const slot = await createSlot(home);
  await recordOwner(home, identity);
  return readSlot(slot);
}

/** What an opening says of a slot. */
export function reportOf({ found }: Tenancy, warnings: readonly string[] = []): OpenReport {
  const { records, quarantined, scan } = found;
  return {
    records: records.count(),
    quarantined,
    warnings: [...warnings, ...found.warnings],
    torn: scan.torn,
    missing: scan.missing.reduce((sum, range) => sum + sizeOf(range), 0),
  };
}

/** Looks for queued operations in slots whose process is gone. */
export class Orphans {
  readonly #home: string;
  /** What slots looked like that had nothing to take over. */
  readonly #seen = new Map<string, string>();

  constructor(home: string) {
    this.#home = home;
  }

  /** Takes the slots of processes that are gone with operations in their queue. Never rejects. */
  async adopt(): Promise<Tenancy[]> {
    const adopted: Tenancy[] = [];
    const names = await slotNames(this.#home).catch(() => []);
    for (const name of names) {
      const tenancy = await this.#adopt(name).catch(() => undefined); // another's trouble is not ours
      if (tenancy) adopted.push(tenancy);
    }
    return adopted;
  }

  async #adopt(name: string): Promise<Tenancy | undefined> {
    const looks = await looksOf(join(this.#home, name));
    if (looks === '' || this.#seen.get(name) === looks) return undefined;
    const slot = await hold(this.#home, name);
    if (!slot) return undefined;
    const tenancy = await readSlot(slot);
    if (tenancy.found.records.count('queue') > 0) return tenancy;
    this.#seen.set(name, await looksOf(slot.folder).finally(slot.release));
    return undefined;
  }
}

/** Names, sizes and times of what a slot holds; empty where it holds nothing. */
async function looksOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /\.(json|ndjson)$/.test(name)).sort();
  const looks = names.map(async (name) => {
    const { size, mtimeMs } = await stat(join(folder, name));
    return `${name}:${size}:${mtimeMs}`;
  });
  return (await Promise.all(looks)).join(' ');
}
