/** Processes that measure one figure, so that no figure's heap and compiled code disturb another's. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Figure, Measured, Measurer } from './figure.ts';
import { figures } from './figures.ts';
import { plainEnvironment } from './plain-environment.ts';

const self = fileURLToPath(import.meta.url);

/** Measures a figure in one process after the other, and resolves to what the middle one measured. */
export async function measureApart({ name, processes = 1 }: Figure): Promise<Measured> {
  const all: Measured[] = [];
  while (all.length < processes) all.push(await measureOnce(name));
  all.sort((one, other) => one.ratio - other.ratio);
  const middle = all[all.length >> 1];
  if (!middle)
    throw new RangeError(`Expected '${name}' to have a process or more, got ${processes}`);
  return middle;
}

async function measureOnce(name: string): Promise<Measured> {
  const child = fork(self, [name], {
    execArgv: ['--expose-gc'],
    env: plainEnvironment(),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let measured: Measured | undefined;
  child.once('message', (message) => {
    measured = message as Measured;
  });
  const [code] = await once(child, 'exit');
  if (code !== 0 || !measured) throw new Error(`'${name}' could not be measured (exit ${code})`);
  return measured;
}

if (process.argv[1] === self) {
  const name = process.argv[2] ?? '';
  const figure = figures.find((each) => each.name === name);
  if (!figure) throw new Error(`There is no figure '${name}'`);
  const { measure }: Measurer = await import(`./figures/${figure.file}`);
  const measured = await measure(name);
  process.send?.(measured, () => process.exit());
}
