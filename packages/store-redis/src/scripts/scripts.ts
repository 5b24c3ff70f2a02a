/** Every change of what is shared is one Lua script: Redis runs them one at a time, and logs each whole. */

import { createHash } from 'node:crypto';
import { append } from './append.ts';
import { claim } from './claim.ts';
import { decide } from './decide.ts';
import { attend, end, goodbye, report, throttle } from './fleet.ts';
import { counts, ended, find, list } from './look.ts';
import { join, lead, leave, renew } from './sessions.ts';
import { note, recover, settle } from './settle.ts';
import { changeValues, findValue, keepValues, news } from './values.ts';

/** Name of a script. */
export type ScriptName =
  | 'append'
  | 'attend'
  | 'changeValues'
  | 'claim'
  | 'counts'
  | 'decide'
  | 'end'
  | 'ended'
  | 'find'
  | 'findValue'
  | 'goodbye'
  | 'join'
  | 'keepValues'
  | 'lead'
  | 'leave'
  | 'list'
  | 'news'
  | 'note'
  | 'recover'
  | 'renew'
  | 'report'
  | 'settle'
  | 'throttle';

/** The scripts by name. */
export const scripts: Readonly<Record<ScriptName, string>> = {
  append,
  attend,
  changeValues,
  claim,
  counts,
  decide,
  end,
  ended,
  find,
  findValue,
  goodbye,
  join,
  keepValues,
  lead,
  leave,
  list,
  news,
  note,
  recover,
  renew,
  report,
  settle,
  throttle,
};

/** What Redis calls each. */
export const digests: Readonly<Record<ScriptName, string>> = Object.fromEntries(
  Object.entries(scripts).map(([name, source]) => [
    name,
    createHash('sha1').update(source).digest('hex'),
  ]),
) as Record<ScriptName, string>;
