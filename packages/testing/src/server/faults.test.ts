import { expect, test } from 'vitest';
import type { Fault } from './fault.ts';
import type { GraphitiServer } from './graphiti-server.ts';
import { call, ingest, message, started } from './server.fixture.ts';

const node = { uuid: 'n1', group_id: 'g1', name: 'Ann' };
const nodeRequest = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(node),
};

function add(server: GraphitiServer, content = 'hello') {
  const messages = [message(content)];
  return call(server.url, 'POST', '/messages', { group_id: 'g1', messages });
}

function health(server: GraphitiServer) {
  return call(server.url, 'GET', '/healthcheck');
}

function putNode(server: GraphitiServer) {
  return call(server.url, 'POST', '/entity-node', node);
}

async function failure(request: Promise<unknown>): Promise<string | undefined> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) return undefined;
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code ?? error.name;
}

/** Sends a request, runs `meanwhile` once it has arrived, and says how it failed. */
async function failureDuring(server: GraphitiServer, meanwhile: () => unknown) {
  const request = failure(putNode(server));
  await expect.poll(() => server.received().at(-1)?.fault, { interval: 2 }).toMatch(/hang|slow/);
  await meanwhile();
  return request;
}

test('refuse closes the port at once, and clearing it opens the same one', async () => {
  const server = await started();
  await health(server);
  const undo = server.fault({ kind: 'refuse' });
  expect(await failure(health(server))).toBe('ECONNREFUSED');
  expect(server.state().listening).toBe(false);
  expect((await call(server.controlUrl, 'GET', '/state')).status).toBe(200);
  await undo();
  expect((await health(server)).status).toBe(200);
  expect(server.received()).toHaveLength(2);
});

test('refuse destroys the connections that are open', async () => {
  const server = await started();
  server.fault({ kind: 'slow', ms: 2000 });
  const code = await failureDuring(server, () => server.fault({ kind: 'refuse' }));
  expect(code).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
});

test('refuse can come and go quickly, and the last word counts', async () => {
  const server = await started();
  for (let round = 0; round < 20; round += 1) {
    server.fault({ kind: 'refuse' });
    server.heal();
  }
  server.fault({ kind: 'refuse' });
  await new Promise((wake) => setTimeout(wake, 10));
  expect(await failure(health(server))).toBe('ECONNREFUSED');
  await server.heal();
  expect((await health(server)).status).toBe(200);
});

test('hang takes a request and never answers; healing destroys it, unapplied', async () => {
  const server = await started();
  server.fault({ kind: 'hang' });
  const code = await failureDuring(server, () => server.heal());
  expect(code).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
  expect(server.nodes()).toEqual([]);
  expect(server.received()).toMatchObject([{ status: null, fault: 'hang', applied: false }]);
  expect((await putNode(server)).status).toBe(201);
});

test('hang with applied stores first and never answers', async () => {
  const server = await started();
  const undo = server.fault({ kind: 'hang', applied: true, count: 1 });
  expect(await failureDuring(server, undo)).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
  expect(server.nodes()).toHaveLength(1);
  expect(server.received()).toMatchObject([{ status: null, fault: 'hang', applied: true }]);
});

test('a hang that is used up still holds its request until it is cleared', async () => {
  const server = await started();
  server.fault({ kind: 'hang', count: 1 });
  const code = await failureDuring(server, async () => {
    expect(server.faults()).toEqual([]);
    expect((await health(server)).status).toBe(200);
    await server.heal();
  });
  expect(code).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
});

test('clearing one hang leaves the requests of another alone', async () => {
  const server = await started();
  const undoOther = server.fault({ kind: 'hang', match: { path: '/healthcheck' } });
  server.fault({ kind: 'hang' });
  let ended = false;
  const request = failure(putNode(server)).then(() => {
    ended = true;
  });
  await expect.poll(() => server.received().length, { interval: 2 }).toBe(1);
  await undoOther();
  await new Promise((wake) => setTimeout(wake, 10));
  expect(ended).toBe(false);
  await server.heal();
  await request;
});

test('a hang that is cleared while its request is slow destroys it too', async () => {
  const server = await started();
  server.fault({ kind: 'slow', ms: 40 });
  server.fault({ kind: 'hang' });
  expect(await failureDuring(server, () => server.heal())).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
});

test('slow waits before it carries the request out', async () => {
  const server = await started();
  server.fault({ kind: 'slow', ms: 60_000, count: 1 });
  const waiting = failure(putNode(server));
  await expect.poll(() => server.received().at(-1)?.fault, { interval: 2 }).toBe('slow');
  expect(server.nodes()).toEqual([]);
  await server.close();
  expect(await waiting).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
  expect(server.nodes()).toEqual([]);
});

test('slow answers as usual when its time has come', async () => {
  const server = await started();
  server.fault({ kind: 'slow', ms: 40 });
  const began = performance.now();
  expect((await putNode(server)).status).toBe(201);
  expect(performance.now() - began).toBeGreaterThanOrEqual(39);
  expect(server.received()).toMatchObject([{ status: 201, fault: 'slow', applied: true }]);
});

test('slow carries a request out even if the client has left', async () => {
  const server = await started();
  server.fault({ kind: 'slow', ms: 80 });
  const signal = AbortSignal.timeout(20);
  const request = fetch(`${server.url}/entity-node`, { ...nodeRequest, signal });
  expect(await failure(request)).toBe('TimeoutError');
  await expect.poll(() => server.nodes().length, { interval: 5 }).toBe(1);
});

test('slow with applied carries the request out and lets the answer wait', async () => {
  const server = await started();
  server.fault({ kind: 'slow', ms: 60_000, applied: true });
  putNode(server).catch(() => {});
  await expect.poll(() => server.nodes().length, { interval: 2 }).toBe(1);
  expect(server.received()).toMatchObject([{ status: null, fault: 'slow', applied: true }]);
});

test('error is a 500 in plain text, and nothing is stored', async () => {
  const server = await started();
  server.fault({ kind: 'error' });
  expect(await putNode(server)).toMatchObject({
    status: 500,
    type: 'text/plain; charset=utf-8',
    body: 'Internal Server Error',
  });
  expect(server.nodes()).toEqual([]);
  expect(server.received()).toMatchObject([{ status: 500, fault: 'error', applied: false }]);
});

test('error with applied is a 500 for what is stored', async () => {
  const server = await started();
  server.fault({ kind: 'error', applied: true });
  expect((await add(server)).status).toBe(500);
  await server.ingested();
  expect(server.episodes('g1')).toHaveLength(1);
  expect(server.received()).toMatchObject([{ status: 500, applied: true }]);
});

test('applied says that the endpoint took the request, so a bad one stays unapplied', async () => {
  const server = await started();
  server.fault({ kind: 'error', applied: true });
  await call(server.url, 'POST', '/messages', {});
  expect(server.received()).toMatchObject([{ status: 500, applied: false }]);
});

test('throttle is a 429 with Retry-After in seconds', async () => {
  const server = await started();
  server.fault({ kind: 'throttle', retryAfter: 7, count: 1 });
  server.fault({ kind: 'throttle' });
  const [first, second] = [await putNode(server), await putNode(server)];
  expect([first.status, first.headers.get('retry-after')]).toEqual([429, '7']);
  expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1']);
  expect(server.nodes()).toEqual([]);
});

test('unavailable is a 503', async () => {
  const server = await started();
  server.fault({ kind: 'unavailable' });
  expect((await putNode(server)).status).toBe(503);
  expect(server.nodes()).toEqual([]);
});

test.each([
  [false, 200, 0],
  [true, 201, 1],
])(
  'reset with applied %s breaks off after the head and half of the body',
  async (applied, status, stored) => {
    const server = await started();
    server.fault({ kind: 'reset', applied });
    const response = await fetch(`${server.url}/entity-node`, nodeRequest);
    expect(response.status).toBe(status);
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    const rest = async () => {
      while (!(await reader?.read())?.done) {}
    };
    expect(await failure(rest())).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
    expect(server.nodes()).toHaveLength(stored);
    expect(server.received()).toMatchObject([{ status: null, fault: 'reset', applied }]);
  },
);

test('dead_worker ends ingestion at once, while 202 and healthy go on', async () => {
  const server = await started();
  await ingest(server, 'g1', message('before'));
  server.fault({ kind: 'dead_worker' });
  expect((await add(server)).status).toBe(202);
  expect((await health(server)).status).toBe(200);
  await server.heal();
  expect(server.state()).toMatchObject({ workerAlive: false, pending: 1, episodes: 1 });
  expect(server.received().every(({ fault }) => fault === null)).toBe(true);
});

test('dead_worker with limits waits for its request', async () => {
  const server = await started();
  server.fault({ kind: 'dead_worker', count: 1, match: { path: '/messages' } });
  await health(server);
  expect(server.state().workerAlive).toBe(true);
  expect((await add(server)).status).toBe(202);
  expect(server.state()).toMatchObject({ workerAlive: false, pending: 1 });
});

test('count limits a fault to the next requests', async () => {
  const server = await started();
  server.fault({ kind: 'unavailable', count: 2 });
  const statuses = [];
  for (let round = 0; round < 3; round += 1) statuses.push((await health(server)).status);
  expect(statuses).toEqual([503, 503, 200]);
  expect(server.faults()).toEqual([]);
});

test('match limits a fault by method and by the beginning of the path', async () => {
  const server = await started();
  server.fault({ kind: 'unavailable', match: { method: 'delete', path: '/entity' } });
  expect((await putNode(server)).status).toBe(201);
  expect((await call(server.url, 'DELETE', '/entity-edge/1')).status).toBe(503);
  expect((await call(server.url, 'DELETE', '/episode/1')).status).toBe(404);
});

test('a request that a fault does not match leaves its count alone', async () => {
  const server = await started();
  server.fault({ kind: 'unavailable', count: 1, match: { path: '/messages' } });
  await health(server);
  expect(server.faults()).toMatchObject([{ count: 1, struck: 0 }]);
  expect((await add(server)).status).toBe(503);
  expect((await add(server)).status).toBe(202);
});

test('faults strike in the order given: slow lets the next one end the request', async () => {
  const server = await started();
  server.fault({ kind: 'slow', ms: 30 });
  server.fault({ kind: 'throttle', count: 1 });
  server.fault({ kind: 'unavailable' });
  const began = performance.now();
  expect((await health(server)).status).toBe(429);
  expect(performance.now() - began).toBeGreaterThanOrEqual(29);
  expect((await health(server)).status).toBe(503);
});

test('undo clears one fault, heal clears all', async () => {
  const server = await started();
  const undo = server.fault({ kind: 'unavailable' });
  server.fault({ kind: 'throttle' });
  expect((await health(server)).status).toBe(503);
  await undo();
  expect((await health(server)).status).toBe(429);
  await server.heal();
  expect((await health(server)).status).toBe(200);
});

test.each<[unknown, string]>([
  [
    { kind: 'explode' },
    'Expected `kind` to be one of refuse, hang, slow, error, throttle, unavailable, reset, dead_worker, got "explode"',
  ],
  [{}, 'Expected `kind` to be one of refuse, hang,'],
  ['hang', 'Expected a fault to be an object like { kind: "hang", count: 2 }, got "hang"'],
  [{ kind: 'slow' }, 'Expected `ms` to be given, got nothing'],
  [{ kind: 'slow', ms: -1 }, 'Expected `ms` to be a whole number of 0 or more, got -1'],
  [{ kind: 'hang', count: 0 }, 'Expected `count` to be a whole number of 1 or more, got 0'],
  [{ kind: 'hang', applied: 1 }, 'Expected `applied` to be true or false, got 1'],
  [{ kind: 'refuse', count: 1 }, 'Expected `count` to be left out, got 1'],
  [
    { kind: 'error', match: { path: 'x' } },
    'Expected `match.path` to be a path that begins with /, got "x"',
  ],
  [{ kind: 'error', match: { verb: 'GET' } }, 'Expected `match.verb` to be left out, got "GET"'],
])('a fault %j is refused', async (fault, expected) => {
  const server = await started();
  expect(() => server.fault(fault as Fault)).toThrow(expected);
  expect(server.faults()).toEqual([]);
});
