import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, vi } from 'vitest';
import type { App } from './app-processes.ts';
import { fleetTest, type Start, until } from './fleet-test.ts';

const test = fleetTest.concurrent;

interface Status {
  readonly active: boolean;
  readonly breakers: Readonly<Record<string, { readonly state: string }>>;
  readonly fleet: {
    readonly connected: boolean;
    readonly instances: number;
    readonly leader: boolean;
    readonly outages: Readonly<Record<string, { readonly id: string; readonly prober: boolean }>>;
    readonly pace: { readonly throttles: number; readonly pausedForMs: number };
  };
  readonly outages: readonly { readonly what: string; readonly outage: string }[];
}

/** Some that know of each other. */
async function fleetOf(count: number, start: Start, url?: string): Promise<readonly App[]> {
  const more = url === undefined ? {} : { REDIS: url };
  const fleet = await Promise.all(Array.from({ length: count }, () => start(more)));
  for (const app of fleet)
    await vi.waitFor(async () => expect((await statusOf(app)).fleet.instances).toBe(count), until);
  return fleet;
}

const statusOf = async (app: App) => (await app.ask('status')).body as Status;
const spansOf = async (app: App) =>
  (await app.ask('spans')).body as { readonly name: string; readonly trace: string }[];
const statusesOf = (all: readonly App[]) => Promise.all(all.map(statusOf));

/** Fails as often as opens a breaker. */
async function trip(app: App): Promise<void> {
  for (let call = 0; call < 2; call += 1) await app.ask('get', `x${call}`);
}

async function allActive(all: readonly App[], active: boolean): Promise<void> {
  await vi.waitFor(async () => {
    for (const status of await statusesOf(all)) expect(status.active).toBe(active);
  }, until);
}

test('two that find an outage open it for all, with one id and one trace, and it ends for all', async ({
  upstream,
  start,
}) => {
  const fleet = await fleetOf(3, start);
  const [a, b] = fleet as readonly [App, App, App];
  upstream.status = 503;
  await trip(a);
  await trip(b);
  await allActive(fleet, true);
  const begun = (await statusesOf(fleet)).map(({ outages }) => outages);
  expect(new Set(begun.flatMap((all) => all.map(({ outage }) => outage))).size).toBe(1);
  expect(begun.map((all) => all.map(({ what }) => what))).toEqual(fleet.map(() => ['activated']));
  upstream.status = 200;
  await vi.waitFor(async () => {
    // Whoever's turn it is waits for a call.
    for (const app of fleet) await app.ask('get', 'y');
    for (const { active } of await statusesOf(fleet)) expect(active).toBe(false);
  }, until);
  for (const { outages } of await statusesOf(fleet))
    expect(outages.map(({ what }) => what)).toEqual(['activated', 'deactivated']);
  const spans = (await Promise.all(fleet.map(spansOf))).flat();
  const traceOf = (name: string) => spans.filter((span) => span.name === name);
  const [root] = traceOf('activate fleet');
  expect(traceOf('activate fleet')).toHaveLength(1);
  for (const name of ['outage fleet', 'deactivate fleet']) {
    expect(traceOf(name)).toHaveLength(3);
    for (const { trace } of traceOf(name)) expect(trace).toBe(root?.trace);
  }
  const counted = await Promise.all(fleet.map(async (app) => (await app.ask('activations')).body));
  expect([...counted].sort()).toEqual([0, 0, 1]);
});

test('one that alone cannot reach the upstream opens nobody else', async ({ upstream, start }) => {
  const fleet = await fleetOf(3, start);
  const [a] = fleet as readonly [App, App, App];
  upstream.status = 503;
  await trip(a);
  upstream.status = 200;
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  const [first, ...others] = await statusesOf(fleet);
  expect(first?.outages[0]?.what).toBe('activated');
  for (const { active, outages } of others) expect([active, outages]).toEqual([false, []]);
});

test('one of them tries the upstream, and another one when that is gone', async ({
  upstream,
  start,
}) => {
  const fleet = await fleetOf(3, start);
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  const prober = await vi.waitFor(async () => {
    const statuses = await statusesOf(fleet);
    const trying = statuses.filter(({ breakers }) => breakers.fleet?.state === 'half_open');
    expect(trying).toHaveLength(1);
    return fleet[statuses.indexOf(trying[0] as Status)] as App;
  }, until);
  const others = fleet.filter((app) => app !== prober);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (const { breakers } of await statusesOf(others)) expect(breakers.fleet?.state).toBe('open');
  // Who is refused reaches nobody: the upstream is asked by one.
  const before = upstream.requests.length;
  for (const app of others) await app.ask('get', 'z');
  expect(upstream.requests).toHaveLength(before);
  await prober.end('SIGKILL');
  await vi.waitFor(async () => {
    const states = (await statusesOf(others)).map(({ breakers }) => breakers.fleet?.state);
    expect(states.sort()).toEqual(['half_open', 'open']);
  }, until);
});

test('one that is frozen while it tries makes way, and changes nothing when it goes on', async ({
  upstream,
  start,
}) => {
  const fleet = await fleetOf(3, start);
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  const frozen = await vi.waitFor(async () => {
    const at = (await statusesOf(fleet)).findIndex(
      ({ breakers }) => breakers.fleet?.state === 'half_open',
    );
    expect(at).toBeGreaterThan(-1);
    return fleet[at] as App;
  }, until);
  frozen.process.kill('SIGSTOP');
  const others = fleet.filter((app) => app !== frozen);
  await vi.waitFor(async () => {
    const states = (await statusesOf(others)).map(({ breakers }) => breakers.fleet?.state);
    expect(states.sort()).toEqual(['half_open', 'open']);
  }, until);
  upstream.status = 200;
  await vi.waitFor(async () => {
    for (const app of others) await app.ask('get', 'y');
    for (const { active } of await statusesOf(others)) expect(active).toBe(false);
  }, until);
  // Long enough that it counts no more.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  frozen.process.kill('SIGCONT');
  await allActive(fleet, false);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const told = (await statusesOf(fleet)).map(({ outages }) => outages);
  expect(new Set(told.flat().map(({ outage }) => outage)).size).toBe(1);
  for (const outages of told)
    expect(outages.map(({ what }) => what)).toEqual(['activated', 'deactivated']);
});

test('what is queued is tried by one canary of the whole fleet, then replayed by all', async ({
  upstream,
  start,
}) => {
  const fleet = await fleetOf(3, start);
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  for (let id = 0; id < 30; id += 1)
    expect((await (fleet[id % 3] as App).ask('save', `${id}`)).body).toMatchObject({
      outcome: 'queued',
    });
  const before = upstream.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  // Each try is one request, and the next one waits for the open time.
  const tries = upstream.requests.slice(before);
  expect(tries.length).toBeLessThan(8);
  upstream.status = 200;
  await vi.waitFor(() => {
    const saved = upstream.requests.filter(({ method }) => method === 'PUT').map(({ id }) => id);
    expect(new Set(saved).size).toBe(30);
  }, until);
  await allActive(fleet, false);
});

test('a 429 to one pauses all', async ({ upstream, start }) => {
  const fleet = await fleetOf(2, start);
  const [a] = fleet as readonly [App, App];
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  for (let id = 0; id < 4; id += 1) await a.ask('save', `${id}`);
  upstream.headers = { 'retry-after': '20' };
  upstream.status = 429;
  await vi.waitFor(async () => {
    for (const { fleet: seen } of await statusesOf(fleet)) {
      expect(seen.pace.throttles).toBeGreaterThan(0);
      expect(seen.pace.pausedForMs).toBeGreaterThan(10_000);
    }
  }, until);
  const before = upstream.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(upstream.requests.length - before).toBeLessThan(3);
});

test('one of them tells of the queue, and all know how many they are', async ({ start }) => {
  const fleet = await fleetOf(3, start);
  await vi.waitFor(async () => {
    const leaders = (await statusesOf(fleet)).filter(({ fleet: { leader } }) => leader);
    expect(leaders).toHaveLength(1);
  }, until);
  await (fleet[0] as App).end('SIGKILL');
  await vi.waitFor(
    async () => expect((await statusOf(fleet[1] as App)).fleet.instances).toBe(2),
    until,
  );
});

test('while Redis is away each is on its own, and finds and ends its outages', async ({
  server,
  upstream,
  start,
}) => {
  const fleet = await fleetOf(2, start);
  const [a, b] = fleet as readonly [App, App];
  await server.kill();
  await vi.waitFor(async () => {
    for (const { fleet: seen } of await statusesOf(fleet)) expect(seen.connected).toBe(false);
  }, until);
  upstream.status = 503;
  await trip(a);
  expect((await statusOf(a)).active).toBe(true);
  expect((await statusOf(b)).active).toBe(false);
  upstream.status = 200;
  await vi.waitFor(async () => {
    await a.ask('get', 'y');
    expect((await statusOf(a)).active).toBe(false);
  }, until);
});

test('whose turn it is to try, and has no call to try with, makes way for one that has', async ({
  upstream,
  start,
}) => {
  const fleet = await fleetOf(3, start);
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  upstream.status = 200;
  const idle = await vi.waitFor(async () => {
    const at = (await statusesOf(fleet)).findIndex(({ fleet: seen }) => seen.outages.fleet?.prober);
    expect(at).toBeGreaterThan(-1);
    return fleet[at] as App;
  }, until);
  const busy = fleet.find((app) => app !== idle) as App;
  await vi.waitFor(
    async () => {
      await busy.ask('get', 'y');
      expect((await statusOf(busy)).active).toBe(false);
    },
    { timeout: 8_000, interval: 50 },
  );
  await allActive(fleet, false);
});

test('an outage that ended while Redis was away does not begin again when it is back', async ({
  server,
  upstream,
  start,
}) => {
  const fleet = await fleetOf(2, start);
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await server.kill();
  upstream.status = 200;
  await vi.waitFor(async () => {
    for (const app of fleet) await app.ask('get', 'y');
    for (const { active } of await statusesOf(fleet)) expect(active).toBe(false);
  }, until);
  await server.restart();
  await vi.waitFor(async () => {
    for (const { fleet: seen } of await statusesOf(fleet)) expect(seen.connected).toBe(true);
  }, until);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  for (const { outages } of await statusesOf(fleet))
    expect(outages.map(({ what }) => what)).toEqual(['activated', 'deactivated']);
});

test('an outage goes on, and stays one, when Redis loses what it knew of it', async ({
  server,
  upstream,
  start,
}) => {
  const fleet = await fleetOf(3, start);
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  const [id] = (await statusesOf(fleet)).map(({ outages }) => outages[0]?.outage);
  await server.command('FLUSHALL');
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await vi.waitFor(async () => {
    for (const { active, outages, fleet: seen } of await statusesOf(fleet)) {
      expect([active, outages]).toEqual([true, [{ what: 'activated', outage: id }]]);
      expect(seen.outages.fleet?.id).toBe(id);
    }
  }, until);
});

test('an outage that instances found while Redis was away is one when it is back', async ({
  server,
  upstream,
  start,
}) => {
  const fleet = await fleetOf(2, start);
  await server.kill();
  await vi.waitFor(async () => {
    for (const { fleet: seen } of await statusesOf(fleet)) expect(seen.connected).toBe(false);
  }, until);
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  await server.restart();
  await vi.waitFor(async () => {
    // Each try fails: whoever has waited is open then, and knows that it is down.
    for (const app of fleet) await app.ask('get', 'y');
    const ids = (await statusesOf(fleet)).map(({ fleet: seen }) => seen.outages.fleet?.id);
    expect(ids[0]).toBeDefined();
    expect(new Set(ids).size).toBe(1);
  }, until);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const trying = (await statusesOf(fleet)).filter(
    ({ breakers }) => breakers.fleet?.state === 'half_open',
  );
  expect(trying.length).toBeLessThan(2);
  upstream.status = 200;
  await vi.waitFor(async () => {
    for (const app of fleet) await app.ask('get', 'y');
    for (const { active } of await statusesOf(fleet)) expect(active).toBe(false);
  }, until);
});

test('one that starts long after an outage, of which nobody is left, does not join it', async ({
  upstream,
  start,
}) => {
  const fleet = await fleetOf(2, start);
  upstream.status = 503;
  for (const app of fleet) await trip(app);
  await allActive(fleet, true);
  for (const app of fleet) await app.end();
  upstream.status = 200;
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  const late = await start();
  expect((await late.ask('get', 'y')).body).toMatchObject({ outcome: 'live' });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await statusOf(late)).toMatchObject({ active: false, outages: [] });
});

test('over a slow network it is one outage, too, with one id', async ({
  server,
  upstream,
  start,
}) => {
  const slow = await slowProxy(server.port, 40);
  try {
    const fleet = await fleetOf(3, start, slow.url);
    upstream.status = 503;
    await Promise.all(fleet.map(trip));
    await allActive(fleet, true);
    await vi.waitFor(async () => {
      const begun = (await statusesOf(fleet)).map(({ outages }) => outages[0]?.outage);
      expect(begun).not.toContain(undefined);
      expect(new Set(begun).size).toBe(1);
    }, until);
    const counted = await Promise.all(
      fleet.map(async (app) => (await app.ask('activations')).body),
    );
    expect([...counted].sort()).toEqual([0, 0, 1]);
  } finally {
    slow.close();
  }
});

/** Lets every byte take its time, each way. */
async function slowProxy(port: number, ms: number) {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const ways: readonly (readonly [Socket, Socket])[] = [
      [near, far],
      [far, near],
    ];
    for (const [from, to] of ways) {
      sockets.add(from);
      from.on('data', (data) => setTimeout(() => to.writable && to.write(data), ms));
      from.on('close', () => to.destroy());
      from.on('error', () => {});
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port: own } = proxy.address() as AddressInfo;
  const close = () => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `redis://127.0.0.1:${own}`, close };
}
