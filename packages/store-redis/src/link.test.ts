import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { Link } from './link.ts';
import { resolveOptions } from './options.ts';

/** Answers scripts as a server before 7 does, and all else with a friendly word; not on the first connections. */
async function oldServer(error: string, silent = 0) {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    if (connections <= silent) return;
    socket.on('data', (data) => {
      const commands = String(data).split(/(?=\*\d+\r\n)/);
      for (const command of commands)
        socket.write(command.includes('EVALSHA') ? `-${error}\r\n` : '+OK\r\n');
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `redis://127.0.0.1:${port}`, close: () => server.close() };
}

test.each([
  ["OOM command not allowed when used memory > 'maxmemory'.", 'OOM'],
  ['MISCONF Errors writing to the AOF file: No space left on device', 'MISCONF'],
])(
  'what a server before 7 refuses a script is told apart from a broken script: %s',
  async (error, code) => {
    const server = await oldServer(
      `ERR Error running script (call to f_1): @user_script:7: @user_script: 7: -${error}`,
    );
    let isReady = () => {};
    const ready = new Promise<void>((resolve) => (isReady = resolve));
    const { connect, callMs } = resolveOptions({ url: server.url });
    const link = new Link({ connect, callMs, onReady: isReady, onDown: () => {} });
    link.open();
    await ready;
    await expect(link.run('append', [], [])).rejects.toMatchObject({
      name: 'SharedQueueUnavailable',
      message: code,
      uncertain: false,
    });
    link.close();
    server.close();
  },
);

test('a connection on which nobody says anything is made anew', async () => {
  const server = await oldServer('ERR', 1);
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  const downs: unknown[] = [];
  const { connect, callMs } = resolveOptions({ url: server.url, commandTimeout: 100 });
  const onDown = (error: unknown) => downs.push(error);
  const link = new Link({ connect, callMs, onReady: isReady, onDown });
  link.open();
  await ready;
  expect(downs).toHaveLength(1);
  expect(link.ready).toBe(true);
  link.close();
  server.close();
});
