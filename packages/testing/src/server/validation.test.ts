import { expect, test } from 'vitest';
import { call, message, started } from './server.fixture.ts';

const good = { group_id: 'g1', messages: [message('hello')] };

async function refused(path: string, body?: unknown): Promise<unknown> {
  const server = await started();
  const answer = await call<{ detail: unknown }>(server.url, 'POST', path, body);
  expect(answer).toMatchObject({ status: 422, type: 'application/json' });
  expect(server.messages()).toEqual([]);
  return answer.body.detail;
}

test('a missing key is named, with what it is missing from', async () => {
  expect(await refused('/messages', { messages: [] })).toEqual([
    { type: 'missing', loc: ['body', 'group_id'], msg: 'Field required', input: { messages: [] } },
  ]);
});

test('the role of a message is required, though it may be null', async () => {
  const bare = { content: 'hello', role_type: 'user' };
  expect(await refused('/messages', { group_id: 'g1', messages: [message('ok'), bare] })).toEqual([
    { type: 'missing', loc: ['body', 'messages', 1, 'role'], msg: 'Field required', input: bare },
  ]);
});

test('every fault of a request has its entry', async () => {
  const wrong = message('hello', { role_type: 'robot', name: 7 });
  expect(await refused('/messages', { group_id: 1, messages: [wrong] })).toEqual([
    {
      type: 'string_type',
      loc: ['body', 'group_id'],
      msg: 'Input should be a valid string',
      input: 1,
    },
    {
      type: 'literal_error',
      loc: ['body', 'messages', 0, 'role_type'],
      msg: "Input should be 'user', 'assistant' or 'system'",
      input: 'robot',
    },
    {
      type: 'string_type',
      loc: ['body', 'messages', 0, 'name'],
      msg: 'Input should be a valid string',
      input: 7,
    },
  ]);
});

test.each([
  ['messages that are no list', { group_id: 'g', messages: {} }, 'list_type', ['messages']],
  [
    'a message that is no object',
    { group_id: 'g', messages: ['a'] },
    'model_attributes_type',
    ['messages', 0],
  ],
  [
    'a message that is a list',
    { group_id: 'g', messages: [[]] },
    'model_attributes_type',
    ['messages', 0],
  ],
  ['a body that is a list', [], 'model_attributes_type', []],
  ['a body that is a number', 5, 'model_attributes_type', []],
])('%s is refused', async (_name, body, type, loc) => {
  expect(await refused('/messages', body)).toMatchObject([{ type, loc: ['body', ...loc] }]);
});

test.each([
  ['next week', 'datetime_from_date_parsing'],
  ['2024-13-01T00:00:00Z', 'datetime_from_date_parsing'],
  [null, 'datetime_type'],
])('a timestamp %j is refused', async (timestamp, type) => {
  const messages = [message('hello', { timestamp })];
  const loc = ['body', 'messages', 0, 'timestamp'];
  expect(await refused('/messages', { group_id: 'g1', messages })).toMatchObject([{ type, loc }]);
});

test.each([
  ['2024-05-06', '2024-05-06T00:00:00.000Z'],
  ['2024-05-06 07:08:09.123456', '2024-05-06T07:08:09.123Z'],
  ['2024-05-06T07:08+0200', '2024-05-06T05:08:00.000Z'],
  [1_714_979_289, '2024-05-06T07:08:09.000Z'],
  [1_714_979_289_000, '2024-05-06T07:08:09.000Z'],
])('a timestamp %j is read as %s', async (timestamp, expected) => {
  const server = await started();
  const messages = [message('hello', { timestamp })];
  await call(server.url, 'POST', '/messages', { group_id: 'g1', messages });
  expect(server.messages()).toMatchObject([{ timestamp: expected }]);
});

test('no body at all is a missing body', async () => {
  const missing = [{ type: 'missing', loc: ['body'], msg: 'Field required', input: null }];
  expect(await refused('/messages')).toEqual(missing);
  expect(await refused('/messages', 'null')).toEqual(missing);
});

test("malformed JSON is FastAPI's 422", async () => {
  expect(await refused('/messages', '{"group_id": ')).toEqual([
    { type: 'json_invalid', loc: ['body', 13], msg: 'JSON decode error', input: {} },
  ]);
});

test('a body that is not sent as JSON is no object', async () => {
  const { url } = await started();
  const headers = { 'content-type': 'text/plain' };
  const answer = await fetch(`${url}/messages`, { method: 'POST', headers, body: '{}' });
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({
    detail: [{ type: 'model_attributes_type', loc: ['body'], input: '{}' }],
  });
});

test('a body of more than 4 MiB is a 413', async () => {
  const { url } = await started();
  const messages = [message('x'.repeat(4 * 1024 * 1024))];
  const { status } = await call(url, 'POST', '/messages', { group_id: 'g1', messages });
  expect(status).toBe(413);
});

test('last_n is required and has to be a whole number', async () => {
  const { url } = await started();
  const loc = ['query', 'last_n'];
  expect(await call(url, 'GET', '/episodes/g1')).toMatchObject({
    status: 422,
    body: { detail: [{ type: 'missing', loc, msg: 'Field required', input: null }] },
  });
  const msg = 'Input should be a valid integer, unable to parse string as an integer';
  expect(await call(url, 'GET', '/episodes/g1?last_n=many')).toMatchObject({
    status: 422,
    body: { detail: [{ type: 'int_parsing', loc, msg, input: 'many' }] },
  });
});

test.each([
  [2.5, 'int_from_float'],
  ['few', 'int_parsing'],
  [null, 'int_type'],
])('max_facts %j is refused', async (max_facts, type) => {
  const loc = ['body', 'max_facts'];
  expect(await refused('/search', { query: 'tea', max_facts })).toMatchObject([{ type, loc }]);
});

test('a search needs a query, and groups that are strings', async () => {
  expect(await refused('/search', { group_ids: [1] })).toMatchObject([
    { type: 'string_type', loc: ['body', 'group_ids', 0], input: 1 },
    { type: 'missing', loc: ['body', 'query'] },
  ]);
});

test('get-memory requires center_node_uuid, though its value is ignored', async () => {
  expect(await refused('/get-memory', good)).toMatchObject([
    { type: 'missing', loc: ['body', 'center_node_uuid'] },
  ]);
});

test('an entity node needs uuid, group_id and name', async () => {
  expect(await refused('/entity-node', {})).toMatchObject(
    ['uuid', 'group_id', 'name'].map((key) => ({ type: 'missing', loc: ['body', key] })),
  );
});
