/** A fleet over one Redis, of which parts are killed, frozen, silenced and cut off while it works. */

import { setTimeout as pause } from 'node:timers/promises';
import {
  durable,
  missingRedis,
  type RedisServer,
  redisServer,
} from '../../backends/redis/server.ts';
import { cuttableDisk, missingForDisks } from '../cuttable-disk.ts';
import type { Counts, Effort, Fault } from '../fault.ts';
import { Fleet, type FleetOptions } from '../fleet/fleet.ts';

/** Longer than a lease of these instances, in ms. */
const pastTheLease = 1_800;
/** Late duplicates that freezes may cause: one that was frozen between its last look and the write. */
const lateShare = 0.01;
/** Of a fleet, at once: the others take over. */
const frozenShare = 0.6;
const diskBytes = 64 * 1024 * 1024;

interface FleetFault {
  readonly name: string;
  /** So many are caused, and in a quick run; none there by default. */
  readonly times: number;
  readonly quick?: number;
  readonly mutation?: true;
  readonly options?: (effort: Effort) => Partial<FleetOptions>;
  /** Causes one or more; how many. */
  readonly cause: Cause;
}

type Cause = (fleet: Fleet, random: () => number) => Promise<number>;

/** Two at a time: half of the fleet goes on. */
const killed: Cause = async (fleet, random) => {
  await pause(random() * 300);
  const victims = pairOf(fleet);
  await Promise.all(victims.map((index) => fleet.kill(index)));
  await Promise.all(victims.map((index) => fleet.startInstance(index)));
  return victims.length;
};

/** While they replay what an outage has left: others go on with it. */
const deployed: Cause = async (fleet, random) => {
  await fleet.untilBack();
  await pause(random() * 400);
  const victims = pairOf(fleet);
  await Promise.all(victims.map((index) => fleet.close(index)));
  await Promise.all(victims.map((index) => fleet.startInstance(index)));
  return victims.length;
};

/** While they replay what an outage has left. */
const frozen: Cause = async (fleet, random) => {
  await fleet.untilBack();
  await pause(random() * 500);
  const first = fleet.some;
  const victims = Array.from(
    { length: Math.ceil(fleet.size * frozenShare) },
    (_, at) => (first + at) % fleet.size,
  );
  for (const index of victims) fleet.signal(index, 'SIGSTOP');
  await pause(pastTheLease + random() * 400);
  for (const index of victims) fleet.signal(index, 'SIGCONT');
  return victims.length;
};

const answersLost: Cause = async (fleet, random) => {
  await pause(40 + random() * 120);
  fleet.proxy.loseAnswer(random());
  return 1;
};

const storeKilled: Cause = async (fleet, random) => {
  await pause(200 + random() * 600);
  await fleet.redis.kill();
  // Often for so short that it is waited for, and often for longer.
  await pause(random() * 1_600);
  await fleet.redis.restart();
  return 1;
};

const hung: Cause = async (fleet, random) => {
  await pause(200 + random() * 500);
  await fleet.redis.kill('SIGSTOP');
  await pause(200 + random() * 1_500);
  await fleet.redis.kill('SIGCONT');
  return 1;
};

/** All of them in turns. */
function storm(): Cause {
  const causes = [killed, answersLost, frozen, answersLost, storeKilled, answersLost, hung];
  let turn = 0;
  return async (fleet, random) => {
    const cause = causes[turn % causes.length] as Cause;
    turn += 1;
    await cause(fleet, random);
    return 1;
  };
}

const sticky = () => ({ sticky: true });
const spilling = ({ folder }: Effort) => ({ sticky: true, folder });

const fleetFaults: readonly FleetFault[] = [
  { name: 'redis.storm', times: 21, quick: 7, options: spilling, cause: storm() },
  { name: 'redis.kill', times: 200, cause: killed },
  { name: 'redis.deploy', times: 60, cause: deployed },
  { name: 'redis.freeze', times: 200, options: () => ({ size: 8 }), cause: frozen },
  { name: 'redis.lost-answers', times: 300, cause: answersLost },
  { name: 'redis.store-kill', times: 40, options: sticky, cause: storeKilled },
  { name: 'redis.spill', times: 20, options: spilling, cause: storeKilled },
  { name: 'redis.hang', times: 40, options: sticky, cause: hung },
  {
    name: 'redis.held-for-ever',
    times: 24,
    mutation: true,
    // Much is at hand and under way when they are frozen, and the upstream is there when they go on.
    options: () => ({ shim: 'held-for-ever.ts', takes: 150, swing: 2_500 }),
    cause: frozen,
  },
];

/** A fault of a fleet over one server. */
function faultOf({ name, times, quick, mutation, options, cause }: FleetFault): Fault {
  return {
    name,
    ...(mutation && { mutation }),
    ...(quick === undefined && { long: true }),
    missing: async () => missingRedis(),
    async run(effort): Promise<Counts> {
      const { random } = effort;
      const fleet = await Fleet.start({ random, ...options?.(effort) });
      const goal = effort.quick ? (quick ?? times) : times;
      try {
        let caused = 0;
        while (caused < goal) caused += await cause(fleet, random);
        return await countsOf(fleet, caused);
      } finally {
        await fleet.end();
      }
    },
  };
}

/** The primary dies, and the replica that has every acknowledged write takes its place. */
const failover: Fault = {
  name: 'redis.failover',
  long: true,
  missing: async () => missingRedis(),
  async run({ random }): Promise<Counts> {
    let primary = await redisServer();
    let replica = await replicaOf(primary);
    const fleet = await Fleet.start({ random, replicas: 1, sticky: true }, primary);
    const over: RedisServer[] = [];
    try {
      let caused = 0;
      for (; caused < 20; caused += 1) {
        await pause(600 + random() * 900);
        await primary.kill();
        over.push(primary);
        await replica.command('REPLICAOF', 'NO', 'ONE');
        primary = replica;
        replica = await replicaOf(primary);
        fleet.proxy.lead(primary.port);
      }
      return await countsOf(fleet, caused);
    } finally {
      await fleet.end();
      for (const server of [...over, primary, replica]) await server.close();
    }
  },
};

/** The disk of the server goes away, with all that was not synced, and comes back. */
const powerCut: Fault = {
  name: 'redis.power-cut',
  missing: async () => missingRedis() ?? (await missingForDisks()),
  async run({ random, quick, folder }): Promise<Counts> {
    const disk = await cuttableDisk(folder, diskBytes);
    await disk.attach();
    const server = await redisServer([...durable, '--dir', disk.mount]);
    const fleet = await Fleet.start({ random, sticky: true }, server);
    const goal = quick ? 2 : 20;
    try {
      let caused = 0;
      for (; caused < goal; caused += 1) {
        const cut = await disk.cutter();
        await pause(300 + random() * 700);
        // Of what it acknowledged after the cut nobody could say whether it was synced.
        await server.kill('SIGSTOP');
        await cut();
        await server.kill();
        await disk.detach();
        await disk.attach();
        await server.restart();
      }
      return await countsOf(fleet, caused);
    } finally {
      await fleet.end();
      await disk.remove();
    }
  },
};

export const redisFaults: readonly Fault[] = [...fleetFaults.map(faultOf), failover, powerCut];

function pairOf(fleet: Fleet): readonly number[] {
  const first = fleet.some;
  return [first, (first + 1) % fleet.size];
}

async function replicaOf(primary: RedisServer): Promise<RedisServer> {
  const settings = ['--appendonly', 'no', '--replicaof', `127.0.0.1 ${primary.port}`];
  const replica = await redisServer([...settings, '--repl-diskless-sync-delay', '0']);
  for (;;) {
    const info = String(await replica.command('INFO', 'replication').catch(() => ''));
    if (info.includes('master_link_status:up')) return replica;
    await pause(50);
  }
}

async function countsOf(fleet: Fleet, caused: number): Promise<Counts> {
  const verdict = await fleet.judge();
  const { acknowledged, lost, outOfOrder, overlaps, liveOverlaps } = verdict;
  const { stale, lateDuplicates, duplicates } = verdict;
  const late = lateDuplicates > Math.ceil(caused * lateShare) ? lateDuplicates : 0;
  return {
    runs: caused,
    acknowledged,
    lost: lost.length,
    wrong: outOfOrder.length + overlaps + stale.length + late,
    undetected: 0,
    examples: [...lost.slice(0, 8), ...outOfOrder.slice(0, 3), ...stale.slice(0, 3)],
    more: {
      outOfOrder: outOfOrder.length,
      overlaps,
      liveOverlaps,
      stale: stale.length,
      lateDuplicates,
      duplicates,
    },
  };
}
