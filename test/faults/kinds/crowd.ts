/** Several processes on one folder: each has a slot of its own, and takes over from those that are gone. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Counts, type Effort, type Fault, Tally } from '../fault.ts';
import { startWriter, type Writing } from '../writing.ts';

const numbersARun = 100_000;
const lanesEach = 4;

export const twoProcesses: Fault = { name: 'two_processes', run: (effort) => crowd(effort, 2) };
export const fourProcesses: Fault = { name: 'four_processes', run: (effort) => crowd(effort, 4) };

/** Starts them at once, kills some or all, and looks; those that start next race for what is left. */
async function crowd({ folder, oracle, random, quick }: Effort, size: number): Promise<Counts> {
  const tally = new Tally();
  const directory = join(folder, 'data');
  const count = quick ? 3 : 20;
  for (let round = 0; round < count; round += 1) {
    const writers = Array.from({ length: size }, (_, index) =>
      startWriter({
        directory,
        from: (round + 1) * numbersARun,
        // Lanes of a process of its own: what is promised is the order within a process.
        firstLane: (round * size + index) * lanesEach,
        lanes: lanesEach,
      }),
    );
    await Promise.all(
      writers.map((writer) => writer.acknowledged(20 + Math.floor(random() * 100))),
    );
    for (const writer of writers) await writer.kill();
    const lines = writers.flatMap((writer) => writer.lines);
    tally.add(await oracle.ask({ directory, lines, open: round % 3 === 2 || round === count - 1 }));
  }
  return tally.counts;
}

export const stoppedHolder: Fault = {
  name: 'stopped_holder',
  async run({ folder, oracle, quick }) {
    const tally = new Tally();
    const count = quick ? 1 : 5;
    for (let round = 0; round < count; round += 1) {
      const directory = join(folder, `data-${round}`);
      const holder = startWriter({ directory, lanes: lanesEach });
      await holder.acknowledged(50);
      process.kill(holder.pid, 'SIGSTOP');
      const other = startWriter({ directory, firstLane: lanesEach, lanes: lanesEach });
      await other.acknowledged(50);
      await sleep(quick ? 500 : 8_000);
      process.kill(holder.pid, 'SIGCONT');
      await Promise.all([holder, other].map((writer: Writing) => writer.acknowledged(50)));
      await Promise.all([holder, other].map((writer) => writer.kill()));
      const lines = [...holder.lines, ...other.lines];
      tally.add(await oracle.ask({ directory, lines, open: false }));
    }
    return tally.counts;
  },
};
