/** An app whose upstream is no Graphiti: questions are read through fallback, and saved through it. */

import { FallbackManager } from '@graphiti-fallback/core';
import { errors, fallback } from '@graphiti-fallback/express';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import express from 'express';
import { type Question, questionsApi } from './questions-api.ts';

const upstream = process.env.QUESTIONS_URL ?? 'http://localhost:4000';
const api = questionsApi(upstream);

const manager = new FallbackManager({
  name: 'questions',
  upstream,
  store: lowdbStore({ directory: process.env.FALLBACK_DB_PATH ?? './data' }),
  health: { checks: [{ name: 'questions', check: ({ signal }) => api.health({ signal }) }] },
  breaker: { openFor: 5_000 },
});

const getQuestion = manager.read('question.get', {
  run: (id: string, { signal }) => api.get(id, { signal }),
  entities: (id) => [{ type: 'question', id }],
  // What was saved during the outage shows at once, though it waits in the queue.
  overlay: (question, pending) => ({ ...question, ...(pending.at(-1)?.input as Question) }),
});

const saveQuestion = manager.write('question.save', {
  run: (question: Question, { signal, idempotencyKey }) =>
    api.save(question, { signal, idempotencyKey }),
  entity: ({ id }) => ({ type: 'question', id }),
  lane: ({ topic }) => topic, // writes of one topic run one at a time, in order
  idempotent: true,
});

const app = express();
const middleware = fallback(manager);
app.use(express.json());
app.use(middleware);

app.get('/questions/:id', async (req, res) => {
  const { value, outcome, pending } = await getQuestion.detailed(req.params.id);
  res.json({ ...value, outcome, pending });
});

app.put('/questions/:id', async (req, res) => {
  const receipt = await saveQuestion({ ...req.body, id: req.params.id });
  res.status(receipt.outcome === 'applied' ? 200 : 202).json(receipt);
});

app.use(errors());

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log('listening', server.address());
});

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    server.close(() => middleware.close().then(() => process.exit()));
    setInterval(() => server.closeIdleConnections(), 100); // Node closes those that are idle now only
  });
