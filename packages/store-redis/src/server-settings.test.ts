import { SharedQueueUnavailable } from '@graphiti-fallback/core';
import { expect, test } from 'vitest';
import type { Link, Reply } from './link.ts';
import { problemOfError, readSettings } from './server-settings.ts';

/** A server that has these settings; CONFIG is refused where nothing is said of appendfsync. */
function linkTo(
  info: Readonly<Record<string, string>>,
  appendfsync?: string,
  pausesSync = 'no',
): Link {
  const facts = { redis_version: '7.2.4', ...info };
  const text = Object.entries(facts).map(([name, value]) => `${name}:${value}`);
  const command = async (name: string, _get = '', asked = ''): Promise<Reply> => {
    if (name === 'INFO') return ['# Server', ...text].join('\r\n');
    if (appendfsync === undefined) throw new Error('NOPERM');
    return [asked, asked === 'appendfsync' ? appendfsync : pausesSync];
  };
  return { command } as unknown as Link;
}

test.each([
  [{}, undefined],
  [{ redis_version: '6.2.0' }, undefined],
  [{ redis_version: '10.0.1' }, undefined],
  [{ redis_version: '6.0.16' }, 'old_version'],
  [{ redis_version: '5.0.14' }, 'old_version'],
  [{ cluster_enabled: '1' }, 'cluster'],
  [{ role: 'slave' }, 'read_only'],
  [{ maxmemory: '1000', maxmemory_policy: 'allkeys-lfu' }, 'evicting'],
  [{ maxmemory: '0', maxmemory_policy: 'allkeys-lfu' }, undefined],
  [{ maxmemory: '1000', maxmemory_policy: 'volatile-lru' }, undefined],
] as const)('a server with %o: %s', async (info, problem) => {
  expect((await readSettings(linkTo(info, 'always'), 0)).problem).toBe(problem);
});

test.each([
  ['1', 'always', 0, 'disk'],
  ['1', 'everysec', 0, 'memory'],
  ['0', 'always', 0, 'memory'],
  ['1', undefined, 0, 'memory'],
  ['0', 'no', 1, 'replica'],
] as const)(
  'aof_enabled %s, appendfsync %s and %i replicas promise a receipt %s',
  async (aof, sync, replicas, durability) => {
    const settings = await readSettings(linkTo({ aof_enabled: aof }, sync), replicas);
    expect(settings.durability).toBe(durability);
  },
);

test('a server that does not sync while it writes its file anew does not promise a disk', async () => {
  const settings = await readSettings(linkTo({ aof_enabled: '1' }, 'always', 'yes'), 0);
  expect(settings.durability).toBe('memory');
});

test.each([
  ['WRONGPASS invalid username-password pair', 'wrong_password'],
  ['NOAUTH Authentication required.', 'wrong_password'],
  ["NOPERM this user has no permissions to run the 'evalsha' command", 'scripts_refused'],
  ["ERR The user executing the script can't run this command or subcommand", 'scripts_refused'],
  ["ERR ACL failure in script: User app has no permissions to run 'time'", 'scripts_refused'],
  ['READONLY You cannot write', 'read_only'],
  ['connect ECONNREFUSED 127.0.0.1:6379', 'unreachable'],
])('%s means %s', (message, problem) => {
  const cause = new Error(message);
  expect(problemOfError(cause)).toBe(problem);
  expect(problemOfError(new SharedQueueUnavailable('refused', false, { cause }))).toBe(problem);
});

test.each([
  ['3', '1', { started: 'run' }],
  ['3', '0', {}],
  ['4000', '1', {}],
] as const)(
  'up for %s s, with append-only file %s: a server that has just started is told apart',
  async (uptime, aof, expected) => {
    const facts = { run_id: 'run', uptime_in_seconds: uptime, aof_enabled: aof };
    const {
      problem: _none,
      durability: _any,
      ...rest
    } = await readSettings(linkTo(facts, 'always'), 0);
    expect(rest).toEqual(expected);
  },
);
