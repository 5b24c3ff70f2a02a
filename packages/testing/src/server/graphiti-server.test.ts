import { expect, test } from 'vitest';
import { graphitiServer } from './graphiti-server.ts';
import { call, message, started } from './server.fixture.ts';

test('a server listens on 127.0.0.1, on two free ports', async () => {
  const server = await started();
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  expect(server.controlUrl).toBe(`http://127.0.0.1:${server.controlPort}`);
  expect(server.port).not.toBe(server.controlPort);
});

test('servers share nothing', async () => {
  const [one, other] = [await started(), await started()];
  one.fault({ kind: 'unavailable' });
  await call(one.url, 'GET', '/healthcheck');
  expect((await call(other.url, 'GET', '/healthcheck')).status).toBe(200);
  expect(other.received()).toHaveLength(1);
});

test('a closed server answers nowhere, at once, with requests and messages under way', async () => {
  const server = await graphitiServer({ ingestDelayMs: 60_000 });
  const messages = [message('never')];
  await call(server.url, 'POST', '/messages', { group_id: 'g1', messages });
  server.fault({ kind: 'slow', ms: 60_000, match: { path: '/search' } });
  server.fault({ kind: 'hang' });
  const underWay = ['/search', '/clear'].map((path) =>
    call(server.url, 'POST', path, { query: 'a' }),
  );
  const ends = Promise.allSettled(underWay);
  await expect.poll(() => server.received().length, { interval: 2 }).toBe(3);

  const began = performance.now();
  await server.close();
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(performance.now() - began).toBeLessThan(500);
  await expect(fetch(server.url)).rejects.toThrow();
  await expect(fetch(server.controlUrl)).rejects.toThrow();
});

test('a closed server stays closed, whatever is healed, and closes twice', async () => {
  const server = await graphitiServer();
  server.fault({ kind: 'refuse' });
  await Promise.all([server.heal(), server.close()]);
  await server.heal();
  await expect(fetch(server.url)).rejects.toThrow();
  await server.close();
});

test('a server closes at the end of its block', async () => {
  let url = '';
  {
    await using server = await graphitiServer();
    url = server.url;
    expect((await call(url, 'GET', '/healthcheck')).status).toBe(200);
  }
  await expect(fetch(url)).rejects.toThrow();
});

test('what the server gives away is a copy', async () => {
  const server = await started();
  await call(server.url, 'POST', '/messages', { group_id: 'g1', messages: [message('Tea.')] });
  await server.ingested();
  Object.assign(server.episodes('g1')[0] ?? {}, { content: 'changed' });
  Object.assign(server.messages()[0] ?? {}, { content: 'changed' });
  expect(server.episodes('g1')[0]?.content).toBe('(user): Tea.');
  expect(server.messages()[0]?.content).toBe('Tea.');
});

test.each([
  [{ port: 70_000 }, 'Expected `port` to be a whole number of 0 to 65535, got 70000'],
  [{ controlPort: -1 }, 'Expected `controlPort` to be a whole number of 0 to 65535, got -1'],
  [{ ingestDelayMs: 0.5 }, 'Expected `ingestDelayMs` to be a whole number of 0 or more, got 0.5'],
  [{ maxRecords: 0 }, 'Expected `maxRecords` to be a whole number of 1 or more, got 0'],
  [{ prot: 1 }, 'Expected `prot` to be left out, got 1'],
])('options %j are refused', async (options, message) => {
  await expect(graphitiServer(options as object)).rejects.toThrow(new TypeError(message));
});

test('a port that is taken is refused by name, and nothing is left running', async () => {
  const { port } = await started();
  const taken = new RegExp(`^Expected \`port\` to be free, got ${port}: .*EADDRINUSE`);
  await expect(graphitiServer({ port })).rejects.toThrow(taken);

  const { port: free, close } = await graphitiServer();
  await close();
  const half = graphitiServer({ port: free, controlPort: port });
  await expect(half).rejects.toThrow('Expected `controlPort` to be free');
  await expect(fetch(`http://127.0.0.1:${free}`)).rejects.toThrow();
});
