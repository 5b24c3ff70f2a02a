/** What the environment says; options in code win over it. */

import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type FallbackMode, fallbackModes } from '@graphiti-fallback/core';
import type { ConfirmOptions } from '@graphiti-fallback/graphiti';
import { isRedisUrl } from '@graphiti-fallback/store-redis';

/** Settings from environment variables. Durations in ms. */
export interface Environment {
  readonly mode: FallbackMode | undefined;
  readonly graphitiUrl: string;
  readonly confirm: ConfirmOptions | false | undefined;
  readonly queueDirectory: string;
  readonly cacheDirectory: string;
  readonly store: 'lowdb' | 'memory' | 'redis';
  /** Of the server where instances share their queue; it may hold a password. */
  readonly redisUrl: string | undefined;
  /** Whether someone chose where to store. */
  readonly storeGiven: boolean;
  /** The app is under test: nothing must outlast it. */
  readonly underTest: boolean;
  readonly failureThreshold: number | undefined;
  readonly successThreshold: number | undefined;
  readonly openFor: number | undefined;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Variables of the families that are the kit's alone; names in `GRAPHITI_` are also Graphiti's own. */
const known = [
  'FALLBACK_MODE',
  'FALLBACK_STORE',
  'FALLBACK_REDIS_URL',
  'FALLBACK_DB_PATH',
  'FALLBACK_CACHE_DIR',
  'CIRCUIT_FAILURE_THRESHOLD',
  'CIRCUIT_SUCCESS_THRESHOLD',
  'CIRCUIT_TIMEOUT',
];

/** What looks like a variable of the kit and is none, a slip most likely: one sentence for each. */
export function unknownVariables(variables: Variables = process.env): string[] {
  return Object.keys(variables)
    .filter((name) => /^(FALLBACK|CIRCUIT)_/.test(name) && !known.includes(name))
    .map((name) => {
      const family = known.filter((each) => each.startsWith(name.slice(0, name.indexOf('_') + 1)));
      return `The environment variable ${name} is not known and changes nothing; there are ${family.join(', ')}`;
    });
}

/**
 * Reads the variables.
 *
 * @throws {TypeError} naming the variable, its value and what was expected
 */
export function readEnvironment(variables: Variables = process.env): Environment {
  const given = (name: string) => variables[name]?.trim() || undefined;
  const timeout = given('CIRCUIT_TIMEOUT');
  const redis = redisUrl(given('FALLBACK_REDIS_URL'));
  const store = storeKind(given('FALLBACK_STORE'), redis);
  return {
    mode: modeOf(given('FALLBACK_MODE')),
    graphitiUrl: url('GRAPHITI_URL', given('GRAPHITI_URL') ?? 'http://localhost:8000'),
    confirm: confirmOf(given('GRAPHITI_CONFIRM'), given('GRAPHITI_UNCONFIRMED')),
    queueDirectory: directory(
      'FALLBACK_DB_PATH',
      given('FALLBACK_DB_PATH') ?? join(homedir(), '.graphiti_fallback'),
    ),
    cacheDirectory: directory(
      'FALLBACK_CACHE_DIR',
      given('FALLBACK_CACHE_DIR') ?? join(homedir(), '.graphiti_cache'),
    ),
    store,
    redisUrl: store === 'redis' ? (redis ?? 'redis://localhost:6379') : undefined,
    storeGiven: ['FALLBACK_DB_PATH', 'FALLBACK_STORE', 'FALLBACK_REDIS_URL'].some(
      (name) => given(name) !== undefined,
    ),
    underTest: variables.NODE_ENV === 'test' || given('NODE_TEST_CONTEXT') !== undefined,
    failureThreshold: count('CIRCUIT_FAILURE_THRESHOLD', given('CIRCUIT_FAILURE_THRESHOLD')),
    successThreshold: count('CIRCUIT_SUCCESS_THRESHOLD', given('CIRCUIT_SUCCESS_THRESHOLD')),
    openFor: timeout === undefined ? undefined : seconds('CIRCUIT_TIMEOUT', timeout) * 1000,
  };
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw wrong(name, text, 'a whole number, 1 or more');
}

function seconds(name: string, text: string, besides = ''): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw wrong(name, text, `a number of seconds above 0${besides}`);
}

function url(name: string, text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw wrong(name, text, 'an http or https URL');
}

/** One variable says how long, or not at all; the other what becomes of what is not seen by then. */
function confirmOf(
  within: string | undefined,
  unconfirmed: string | undefined,
): ConfirmOptions | false | undefined {
  const choice = unconfirmedChoices.find((known) => known === unconfirmed);
  if (unconfirmed !== undefined && !choice)
    throw wrong('GRAPHITI_UNCONFIRMED', unconfirmed, `one of ${unconfirmedChoices.join(', ')}`);
  if (within === 'off') return false;
  if (within === undefined && !choice) return undefined;
  return {
    ...(within !== undefined && { within: seconds('GRAPHITI_CONFIRM', within, ' or off') * 1000 }),
    ...(choice && { unconfirmed: choice }),
  };
}

const unconfirmedChoices = ['report', 'dead_letter', 'resend'] as const;

function modeOf(text: string | undefined): FallbackMode | undefined {
  const mode = fallbackModes.find((known) => known === text);
  if (text === undefined || mode) return mode;
  throw wrong('FALLBACK_MODE', text, `one of ${fallbackModes.join(', ')}`);
}

/** A server that is named is used, unless another store is. */
function storeKind(text: string | undefined, redis: string | undefined): Environment['store'] {
  if (text === undefined) return redis === undefined ? 'lowdb' : 'redis';
  if (text === 'lowdb' || text === 'memory' || text === 'redis') return text;
  throw wrong('FALLBACK_STORE', text, 'lowdb, memory or redis');
}

/** Never shown: it may hold a password. */
function redisUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (isRedisUrl(text)) return text;
  throw new TypeError(
    'Expected the environment variable FALLBACK_REDIS_URL to be a URL such as redis://localhost:6379, got another text',
  );
}

/** Guides of old had a file here; it is a folder now, which holds more than one file. */
function directory(name: string, path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isFile())
    throw wrong(name, path, 'a folder such as ./fallback (not a file such as ./fallback.json)');
  return path;
}

function wrong(name: string, value: string, expected: string): TypeError {
  return new TypeError(
    `Expected the environment variable ${name} to be ${expected}, got ${JSON.stringify(value)}`,
  );
}
