import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fallbackModes } from '@graphiti-fallback/core';
import { expect, test } from 'vitest';
import { readEnvironment, unknownVariables } from './environment.ts';

test('an empty environment gives the defaults', () => {
  expect(readEnvironment({})).toEqual({
    mode: undefined,
    graphitiUrl: 'http://localhost:8000',
    confirm: undefined,
    queueDirectory: join(homedir(), '.graphiti_fallback'),
    cacheDirectory: join(homedir(), '.graphiti_cache'),
    store: 'lowdb',
    redisUrl: undefined,
    storeGiven: false,
    underTest: false,
    failureThreshold: undefined,
    successThreshold: undefined,
    openFor: undefined,
  });
});

test('a slip in the name of a variable is told, with the names that there are', () => {
  expect(unknownVariables({ FALLBACK_MODE: 'disabled', CIRCUIT_TIMEOUT: '5' })).toEqual([]);
  expect(unknownVariables({ CIRCUIT_TIMOUT: '5', PATH: '/bin', MY_FALLBACK_MODE: 'x' })).toEqual([
    'The environment variable CIRCUIT_TIMOUT is not known and changes nothing; there are CIRCUIT_FAILURE_THRESHOLD, CIRCUIT_SUCCESS_THRESHOLD, CIRCUIT_TIMEOUT',
  ]);
});

test('durations are seconds in the environment, and milliseconds in code', () => {
  expect(readEnvironment({ CIRCUIT_TIMEOUT: '1.5' }).openFor).toBe(1_500);
});

test.each([
  [
    { CIRCUIT_FAILURE_THRESHOLD: 'many' },
    'CIRCUIT_FAILURE_THRESHOLD to be a whole number, 1 or more, got "many"',
  ],
  [
    { CIRCUIT_SUCCESS_THRESHOLD: '0' },
    'CIRCUIT_SUCCESS_THRESHOLD to be a whole number, 1 or more, got "0"',
  ],
  [{ CIRCUIT_TIMEOUT: '-1' }, 'CIRCUIT_TIMEOUT to be a number of seconds above 0, got "-1"'],
  [
    { GRAPHITI_URL: 'graphiti:8000' },
    'GRAPHITI_URL to be an http or https URL, got "graphiti:8000"',
  ],
  [
    { FALLBACK_MODE: 'magic' },
    'FALLBACK_MODE to be one of disabled, read_only, memory_only, local_storage, queue_writes, got "magic"',
  ],
  [{ FALLBACK_STORE: 'mongo' }, 'FALLBACK_STORE to be lowdb, memory or redis, got "mongo"'],
  [
    { GRAPHITI_CONFIRM: 'never' },
    'GRAPHITI_CONFIRM to be a number of seconds above 0 or off, got "never"',
  ],
  [
    { GRAPHITI_UNCONFIRMED: 'forget' },
    'GRAPHITI_UNCONFIRMED to be one of report, dead_letter, resend, got "forget"',
  ],
])('%o is an error that names variable, value and what was expected', (variables, message) => {
  expect(() => readEnvironment(variables)).toThrow(`Expected the environment variable ${message}`);
});

test('a file where a folder is expected is an error that names both forms', () => {
  const folder = mkdtempSync(join(tmpdir(), 'environment-'));
  const file = join(folder, 'fallback.json');
  writeFileSync(file, '{}');
  expect(() => readEnvironment({ FALLBACK_DB_PATH: file })).toThrow(
    /FALLBACK_DB_PATH to be a folder .* \(not a file/,
  );
  rmSync(folder, { recursive: true });
});

test.each(fallbackModes)('the mode may be %s', (mode) => {
  expect(readEnvironment({ FALLBACK_MODE: mode }).mode).toBe(mode);
});

test.each([[{ NODE_ENV: 'test' }], [{ NODE_TEST_CONTEXT: 'child' }]])(
  '%o is a test',
  (variables) => {
    expect(readEnvironment(variables).underTest).toBe(true);
  },
);

test.each([
  [{ GRAPHITI_CONFIRM: '300' }, { within: 300_000 }],
  [{ GRAPHITI_UNCONFIRMED: 'resend' }, { unconfirmed: 'resend' }],
  [
    { GRAPHITI_CONFIRM: '1.5', GRAPHITI_UNCONFIRMED: 'dead_letter' },
    { within: 1_500, unconfirmed: 'dead_letter' },
  ],
  [{ GRAPHITI_CONFIRM: 'off', GRAPHITI_UNCONFIRMED: 'resend' }, false],
])('%j says how messages are confirmed', (variables, confirm) => {
  expect(readEnvironment(variables).confirm).toEqual(confirm);
});

const redis = 'redis://:secret@localhost:6380';

test.each([
  [{ FALLBACK_REDIS_URL: redis }, redis],
  [{ FALLBACK_STORE: 'redis' }, 'redis://localhost:6379'],
  [{ FALLBACK_STORE: 'redis', FALLBACK_REDIS_URL: redis }, redis],
  [{ FALLBACK_STORE: 'lowdb', FALLBACK_REDIS_URL: redis }, undefined],
])('with the queue in %o its server is %s', (variables, url) => {
  expect(readEnvironment(variables).redisUrl).toBe(url);
});

test.each([
  'http://user:secret@redis',
  'redis:secret',
  'redis://:50%secret@redis',
  'redis://user:1#secret@redis',
])('an address of Redis that is none is not shown: it may hold a password (%#)', (address) => {
  const read = () => readEnvironment({ FALLBACK_REDIS_URL: address });
  expect(read).toThrow('FALLBACK_REDIS_URL to be a URL such as redis://localhost:6379');
  expect(read).not.toThrow('secret');
});

test.each([
  [{ FALLBACK_DB_PATH: './data' }],
  [{ FALLBACK_STORE: 'memory' }],
  [{ FALLBACK_REDIS_URL: redis }],
])('%o counts as a store given', (variables) => {
  expect(readEnvironment(variables).storeGiven).toBe(true);
});
