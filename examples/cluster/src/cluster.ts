/** Four workers on one port and one folder: each has a slot of its own in it, without any setting. */

import cluster from 'node:cluster';
import process from 'node:process';

const workers = Number(process.env.WORKERS ?? 4);
/** Whether a worker that died is replaced; the others take over its queued writes either way. */
const replaces = process.env.REPLACE !== 'no';

if (cluster.isPrimary) {
  for (let worker = 0; worker < workers; worker += 1) cluster.fork();
  let ending = false;
  cluster.on('exit', ({ process: { pid } }, code, signal) => {
    if (ending) return;
    console.log('worker', pid, 'ended by', signal ?? code);
    if (replaces) cluster.fork();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      ending = true;
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
    });
} else await import('./app.ts');
