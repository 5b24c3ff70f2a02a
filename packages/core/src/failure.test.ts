import { expect, test } from 'vitest';
import { FallbackError, TimeoutError } from './errors.ts';
import { classify } from './failure.ts';

const withStatus = (status: number, headers = {}) =>
  Object.assign(new Error('upstream'), { status, headers });

test.each([
  [400, 'rejected', 'caller', 'no'],
  [404, 'rejected', 'caller', 'no'],
  [422, 'rejected', 'caller', 'no'],
  [401, 'unauthorized', 'credentials', 'no'],
  [403, 'unauthorized', 'credentials', 'no'],
  [408, 'unknown', 'upstream', 'maybe'],
  [429, 'throttled', 'limit', 'no'],
  [500, 'unknown', 'upstream', 'maybe'],
  [502, 'unknown', 'upstream', 'maybe'],
  [503, 'unavailable', 'upstream', 'no'],
  [504, 'unknown', 'upstream', 'maybe'],
])('status %i is %s: fault %s, applied %s', (status, label, fault, applied) => {
  expect(classify(withStatus(status))).toMatchObject({
    label,
    fault,
    applied,
    code: String(status),
  });
});

test.each([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'CERT_HAS_EXPIRED',
  'UND_ERR_CONNECT_TIMEOUT',
])('%s never reached the upstream', (code) => {
  const error = new TypeError('fetch failed', { cause: Object.assign(new Error(), { code }) });
  expect(classify(error)).toMatchObject({ label: 'unavailable', applied: 'no', code });
});

test.each(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', 'UND_ERR_HEADERS_TIMEOUT'])(
  '%s may have',
  (code) => {
    const error = new TypeError('fetch failed', { cause: Object.assign(new Error(), { code }) });
    expect(classify(error)).toMatchObject({ label: 'unknown', applied: 'maybe', code });
  },
);

test('the first of several addresses that refused tells', () => {
  const errors = [Object.assign(new Error(), { code: 'ECONNREFUSED' })];
  const error = new TypeError('fetch failed', { cause: new AggregateError(errors) });
  expect(classify(error).label).toBe('unavailable');
});

test('a deadline that passed before anything was sent says nothing about the upstream', () => {
  const unsent = new TimeoutError(5);
  expect(classify(unsent)).toMatchObject({ label: 'unavailable', applied: 'no', local: true });
  unsent.sent = true;
  expect(classify(unsent)).toMatchObject({ label: 'unknown', applied: 'maybe' });
});

test('Retry-After is read in seconds or as a date, from objects and Headers', () => {
  expect(classify(withStatus(429, { 'retry-after': '7' })).retryAfterMs).toBe(7_000);
  expect(classify(withStatus(429, new Headers({ 'Retry-After': '2' }))).retryAfterMs).toBe(2_000);
  const soon = new Date(Date.now() + 10_000).toUTCString();
  expect(classify(withStatus(429, { 'Retry-After': soon })).retryAfterMs).toBeGreaterThan(7_000);
  expect(classify(withStatus(429, { 'retry-after': 'soon' })).retryAfterMs).toBeUndefined();
});

test('axios-like errors are read through their response', () => {
  expect(classify({ response: { status: 503, headers: { 'retry-after': 3 } } })).toMatchObject({
    label: 'unavailable',
    retryAfterMs: 3_000,
  });
});

test("the kit's own refusals are the caller's fault", () => {
  expect(classify(new FallbackError('FALLBACK_INVALID_INPUT', 'no')).fault).toBe('caller');
});

test('what nobody can read may have been applied', () => {
  expect(classify(new Error('?'))).toMatchObject({ label: 'unknown', applied: 'maybe' });
  expect(classify(undefined)).toMatchObject({ label: 'unknown' });
});
