import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { canonical, deepFreeze, equalsJson, freezeJson, notJson, sizeOfJson } from './json.ts';

test('says where a value stops being JSON', () => {
  expect(notJson({ tags: ['a', 1, null, true, { deep: [] }], omitted: undefined })).toBe(undefined);
  expect(notJson(undefined)).toBe('$');
  expect(notJson(Number.NaN)).toBe('$');
  expect(notJson({ tags: ['a', 'b', undefined] })).toBe('$.tags[2]');
  expect(notJson([{ at: new Date(0) }])).toBe('$[0].at');
  expect(notJson({ call: () => {} })).toBe('$.call');
  expect(notJson(Object.create(null))).toBe(undefined);
});

test('what another realm made is JSON, too, and what only looks plain is not', () => {
  expect(notJson(runInNewContext('({ a: [{ b: 1 }] })'))).toBeUndefined();
  expect(notJson(runInNewContext('new (class A {})()'))).toBe('$');
  expect(notJson(runInNewContext('new Map()'))).toBe('$');
  expect(notJson(Object.create({ inherited: 1 }))).toBe('$');
  expect(notJson(Object.create(Object.create(null)))).toBe('$');
});

test('what contains itself, or is nested too deep, is not JSON', () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  expect(notJson(loop)).toMatch(/^\$(\.self){512}$/);
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  expect(notJson(nested(512))).toBe(undefined);
  expect(notJson(nested(513))).toMatch(/^\$(\[0\]){512}$/);
});

test('freezes in depth, below what is frozen already, and what contains itself', () => {
  const inner = { list: [{ value: 1 }] };
  const outer: Record<string, unknown> = { inner: Object.freeze(inner) };
  outer.self = outer;
  expect(deepFreeze(outer)).toBe(outer);
  expect(Object.isFrozen(outer)).toBe(true);
  expect(Object.isFrozen(inner.list)).toBe(true);
  expect(Object.isFrozen(inner.list[0])).toBe(true);
  expect(deepFreeze('text')).toBe('text');
});

test('equal values have equal texts, whatever the order of their members', () => {
  expect(canonical({ b: [1, 'x', null], a: { d: -0, c: undefined } })).toBe(
    '{"a":{"d":0},"b":[1,"x",null]}',
  );
  expect(canonical({ 10: 'a', 9: 'b', '"': 'c' })).toBe(canonical({ '"': 'c', 9: 'b', 10: 'a' }));
  // What is sorted already takes another way: as texts, as numbers, below lists, with members left out.
  for (const [one, other] of [
    [
      { a: 1, b: [{ c: 1, d: 2 }] },
      { b: [{ d: 2, c: 1 }], a: 1 },
    ],
    [
      { 9: 'b', 10: 'a' },
      { 10: 'a', 9: 'b' },
    ],
    [{ a: undefined, b: { e: 1, f: undefined } }, { b: { f: undefined, e: 1 } }],
  ])
    expect(canonical(one)).toBe(canonical(other));
  expect(canonical('id')).toBe('"id"');
  expect(JSON.parse(canonical({ '"': ['\u2028', '\ud800'] }))).toEqual({
    '"': ['\u2028', '\ud800'],
  });
});

test('values that differ have texts that differ', () => {
  const values = [
    '1',
    1,
    [1],
    ['1'],
    { 1: 1 },
    null,
    'null',
    true,
    'true',
    {},
    [],
    '',
    [[]],
    [null],
  ];
  expect(new Set(values.map(canonical)).size).toBe(values.length);
});

test('the size of JSON is about that of its text, and there is none of what is not JSON', () => {
  const values = [
    'text',
    null,
    [],
    {},
    [['a', 'b'], ['c'], true],
    { id: 'a', facts: [{ uuid: 'b', fact: 'Ann knows Ben' }], omitted: undefined },
    { count: 12_345_678, list: [12_345_678, 12_345_678] },
  ];
  for (const value of values) {
    const text = JSON.stringify(value).length;
    expect(Math.abs((sizeOfJson(value) ?? Number.NaN) - text)).toBeLessThanOrEqual(3);
  }
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  for (const value of [undefined, Number.NaN, [undefined], { at: new Date(0) }, loop])
    expect(sizeOfJson(value)).toBeUndefined();
});

test('what somebody added to all objects is no part of any', () => {
  const all = Object.prototype as { added?: unknown };
  all.added = () => {};
  try {
    const value = freezeJson({ list: [{ id: 'a' }] });
    expect([notJson(value), sizeOfJson(value)]).toEqual([undefined, 21]);
    expect(Object.isFrozen(all.added)).toBe(false);
    all.added = { shared: true };
    freezeJson({ id: 'a' });
    expect(Object.isFrozen(all.added)).toBe(false);
  } finally {
    delete all.added;
  }
});

test('what equals JSON is the same JSON, and nothing else', () => {
  const values: unknown[] = [
    { a: 1, b: [{ c: 'x' }, null] },
    { a: 1, b: [{ c: 'x' }, null], d: null },
    { a: 1, b: [{ c: 'x' }] },
    { a: 1, b: { 0: { c: 'x' }, 1: null } },
    [],
    {},
    [null],
    'text',
    null,
    0,
  ];
  const copies: unknown[] = structuredClone(values);
  for (const [index, json] of values.entries())
    expect(copies.map((copy) => equalsJson(json, copy))).toEqual(
      copies.map((_, other) => other === index),
    );
  expect(equalsJson({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
  const others = [new Date(0), new Map(), () => {}, { a: undefined }, new (class A {})()];
  for (const other of others) expect(equalsJson({}, other)).toBe(false);
  for (const other of [{ a: Number.NaN }, { a: undefined }, { toString: 1 }])
    expect(equalsJson({ a: 1 }, other)).toBe(false);
  expect(equalsJson({ a: 1 }, JSON.parse('{"__proto__":{}}'))).toBe(false);
});
