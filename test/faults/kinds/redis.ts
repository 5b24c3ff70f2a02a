/** A fleet over one Redis, of which parts are killed, frozen, silenced and cut off while it works. */

import { setTimeout as pause } from 'node:timers/promises';
import { missingRedis, type RedisServer, redisServer } from '../../backends/redis/server.ts';
import type { Counts, Effort, Fault } from '../fault.ts';
import { Fleet, type FleetOptions } from '../fleet/fleet.ts';

/** Longer than a lease of these instances, in ms. */
const pastTheLease = 2_200;

/** Late duplicates that freezes may cause: one that was frozen between its last look and the write. */
const lateShare = 0.01;

interface FleetFault {
  readonly name: string;
  /** So many are caused, and in a quick run. */
  readonly times: number;
  readonly quick: number;
  readonly options?: (effort: Effort) => Partial<FleetOptions>;
  /** Causes one or more; how many. */
  readonly cause: (fleet: Fleet, random: () => number) => Promise<number>;
}

const kill: FleetFault = {
  name: 'redis.kill',
  times: 200,
  quick: 4,
  async cause(fleet, random) {
    await pause(random() * 400);
    const index = fleet.some;
    await fleet.kill(index);
    await fleet.startInstance(index);
    return 1;
  },
};

const freeze: FleetFault = {
  name: 'redis.freeze',
  times: 200,
  quick: 4,
  async cause(fleet, random) {
    await pause(300 + random() * 1_000);
    const first = fleet.some;
    const frozen = [first, (first + 1) % fleet.size];
    for (const index of frozen) fleet.signal(index, 'SIGSTOP');
    await pause(pastTheLease + random() * 500);
    for (const index of frozen) fleet.signal(index, 'SIGCONT');
    return frozen.length;
  },
};

const lostAnswers: FleetFault = {
  name: 'redis.lost-answers',
  times: 300,
  quick: 20,
  options: () => ({ sticky: true }),
  async cause(fleet, random) {
    await pause(100 + random() * 200);
    fleet.proxy.loseAnswer(random());
    return 1;
  },
};

const storeKill: FleetFault = {
  name: 'redis.store-kill',
  times: 40,
  quick: 2,
  options: () => ({ sticky: true }),
  async cause(fleet, random) {
    await pause(500 + random() * 1_000);
    await fleet.redis.kill();
    await pause(random() * 1_000);
    await fleet.redis.restart();
    return 1;
  },
};

const hang: FleetFault = {
  name: 'redis.hang',
  times: 40,
  quick: 2,
  options: () => ({ sticky: true }),
  async cause(fleet, random) {
    await pause(500 + random() * 1_000);
    await fleet.redis.kill('SIGSTOP');
    await pause(300 + random() * 2_500);
    await fleet.redis.kill('SIGCONT');
    return 1;
  },
};

const spill: FleetFault = {
  ...storeKill,
  name: 'redis.spill',
  times: 20,
  options: ({ folder }) => ({ sticky: true, folder }),
};

/** A fault of a fleet over one server. */
function faultOf({ name, times, quick, options, cause }: FleetFault): Fault {
  return {
    name,
    missing: async () => missingRedis(),
    async run(effort): Promise<Counts> {
      const { random } = effort;
      const fleet = await Fleet.start({ random, ...options?.(effort) });
      try {
        let caused = 0;
        while (caused < (effort.quick ? quick : times)) caused += await cause(fleet, random);
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
  missing: async () => missingRedis(),
  async run({ random, quick }): Promise<Counts> {
    let primary = await redisServer();
    let replica = await replicaOf(primary);
    const fleet = await Fleet.start({ random, replicas: 1, sticky: true }, primary);
    const over: RedisServer[] = [];
    try {
      let caused = 0;
      for (; caused < (quick ? 1 : 20); caused += 1) {
        await pause(1_000 + random() * 1_500);
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

export const redisFaults: readonly Fault[] = [
  ...[kill, freeze, lostAnswers, storeKill, hang, spill].map(faultOf),
  failover,
];

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
  const { acknowledged, lost, outOfOrder, overlaps, liveOverlaps, lateDuplicates, duplicates } =
    verdict;
  const late = lateDuplicates > Math.ceil(caused * lateShare) ? lateDuplicates : 0;
  return {
    runs: caused,
    acknowledged,
    lost: lost.length,
    wrong: outOfOrder.length + overlaps + late,
    undetected: 0,
    examples: [...lost.slice(0, 3), ...outOfOrder.slice(0, 3)],
    more: { outOfOrder: outOfOrder.length, overlaps, liveOverlaps, lateDuplicates, duplicates },
  };
}
