/** What a server's own settings mean for a queue: whether it can be kept there, and what it survives. */

import type { Durability } from '@graphiti-fallback/core';
import type { Link, Reply } from './link.ts';

/** Why nothing can be queued there, as codes. */
export type ServerProblem =
  | 'unreachable'
  | 'wrong_password'
  | 'old_version'
  | 'cluster'
  | 'read_only'
  | 'evicting'
  | 'full'
  | 'scripts_refused';

/** What was read of a server. */
export interface ServerSettings {
  readonly problem: ServerProblem | undefined;
  readonly durability: Durability;
  /** What a server is called that has started a moment ago, with an append-only file that it goes on writing. */
  readonly started?: string;
}

/** A server that runs for less was restarted, or has just been made, in s. */
const justStarted = 120;

/** The oldest version that runs the scripts as they are meant. */
const oldest = [6, 2] as const;

/** Reads the settings. @throws what kept it from reading them */
export async function readSettings(link: Link, replicas: number): Promise<ServerSettings> {
  const facts = infoOf(await link.command('INFO'));
  const problem = problemOf(facts);
  const appends = facts.get('aof_enabled') === '1';
  const run = facts.get('run_id');
  const fresh = appends && Number(facts.get('uptime_in_seconds') ?? justStarted) < justStarted;
  const started = fresh && run !== undefined && { started: run };
  if (replicas > 0) return { problem, durability: 'replica', ...started };
  const synced = appends && (await syncsEachWrite(link));
  return { problem, durability: synced ? 'disk' : 'memory', ...started };
}

/** What a failure says of the server; nothing where it says nothing new. */
export function problemOfError(error: unknown): ServerProblem {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? cause.message : String(cause);
  const known = Object.entries(errorCodes).find(([code]) => text.startsWith(code));
  if (known) return known[1];
  return refusedInScript.test(text) ? 'scripts_refused' : 'unreachable';
}

/** What a person should know, in words. */
export const problemTexts: Readonly<Record<ServerProblem, string>> = {
  unreachable: 'cannot be reached',
  wrong_password: 'refuses the user or the password',
  old_version: `is older than ${oldest.join('.')}`,
  cluster: 'is a cluster, whose failover may lose acknowledged writes: use a single server',
  read_only: 'is a read-only replica',
  evicting: 'may evict keys (its maxmemory-policy begins with allkeys): use noeviction',
  full: 'has no memory left',
  scripts_refused: 'does not let this user run scripts (EVAL, EVALSHA), or what is in them (TIME)',
};

const errorCodes: Readonly<Record<string, ServerProblem>> = {
  WRONGPASS: 'wrong_password',
  NOAUTH: 'wrong_password',
  NOPERM: 'scripts_refused',
  READONLY: 'read_only',
  OOM: 'full',
};

/** What a user may not do within a script has no code of its own. */
const refusedInScript = /^ERR (The user executing the script can't|ACL failure in script)/;

function problemOf(facts: ReadonlyMap<string, string>): ServerProblem | undefined {
  const [major = 0, minor = 0] = (facts.get('redis_version') ?? '').split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) return 'old_version';
  if (facts.get('cluster_enabled') === '1') return 'cluster';
  if (facts.get('role') === 'slave') return 'read_only';
  const bounded = (facts.get('maxmemory') ?? '0') !== '0';
  if (bounded && facts.get('maxmemory_policy')?.startsWith('allkeys')) return 'evicting';
  return undefined;
}

/** While the file is written anew nothing is synced where `no-appendfsync-on-rewrite` is set. */
async function syncsEachWrite(link: Link): Promise<boolean> {
  if ((await setting(link, 'appendfsync')) !== 'always') return false;
  return (await setting(link, 'no-appendfsync-on-rewrite')) === 'no';
}

/** Hosted servers often refuse CONFIG: what is not known is not promised. */
async function setting(link: Link, name: string): Promise<string | undefined> {
  try {
    const answer = await link.command('CONFIG', 'GET', name);
    return Array.isArray(answer) ? String(answer[1]) : undefined;
  } catch {
    return undefined;
  }
}

function infoOf(answer: Reply): ReadonlyMap<string, string> {
  const lines = String(answer).split(/\r?\n/);
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf(':');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}
