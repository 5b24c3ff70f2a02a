/** Every change of the shared queue is one Lua script: Redis runs them one at a time, and logs each whole. */

import { createHash } from 'node:crypto';
import { append } from './append.ts';
import { claim } from './claim.ts';
import { decide } from './decide.ts';
import { counts, ended, find, list } from './look.ts';
import { join, lead, leave, renew } from './sessions.ts';
import { note, recover, settle } from './settle.ts';

/** Name of a script. */
export type ScriptName =
  | 'append'
  | 'claim'
  | 'counts'
  | 'decide'
  | 'ended'
  | 'find'
  | 'join'
  | 'lead'
  | 'leave'
  | 'list'
  | 'note'
  | 'recover'
  | 'renew'
  | 'settle';

/** The scripts by name. */
export const scripts: Readonly<Record<ScriptName, string>> = {
  append,
  claim,
  counts,
  decide,
  ended,
  find,
  join,
  lead,
  leave,
  list,
  note,
  recover,
  renew,
  settle,
};

/** What Redis calls each. */
export const digests: Readonly<Record<ScriptName, string>> = Object.fromEntries(
  Object.entries(scripts).map(([name, source]) => [
    name,
    createHash('sha1').update(source).digest('hex'),
  ]),
) as Record<ScriptName, string>;
