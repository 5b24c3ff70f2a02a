import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withLastLook } from './last-look.ts';

const came: string[] = [];
const server = createServer((request, response) => {
  came.push(request.url ?? '');
  response.end('there');
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const post = (path: string) => fetch(`${url}${path}`, { method: 'POST', body: 'x' });

test.each([['on a new connection'], ['on one that is there']])(
  'what may not go any more is not written %s',
  async (how) => {
    if (how !== 'on a new connection') await (await post('/before')).text();
    let looked = 0;
    const late = withLastLook(
      () => {
        looked += 1;
        return false;
      },
      () => post('/late'),
    );
    await expect(late).rejects.toThrow('fetch failed');
    expect(looked).toBe(1);
    expect(
      await (
        await withLastLook(
          () => true,
          () => post('/in-time'),
        )
      ).text(),
    ).toBe('there');
    expect(await (await post('/without')).text()).toBe('there');
    expect(came).not.toContain('/late');
  },
);
