/** The upstream of the example: questions in memory. Stop it with Ctrl-C, and see what the app does. */

import express from 'express';

const questions = new Map<string, object>();

const app = express();
app.use(express.json());

app.get('/health', (_req, res) => {
  res.json({ ok: true });
});

app.get('/questions/:id', (req, res) => {
  const question = questions.get(req.params.id);
  if (question) res.json(question);
  else res.status(404).json({ detail: 'no such question' });
});

app.put('/questions/:id', (req, res) => {
  questions.set(req.params.id, req.body);
  res.json(req.body);
});

const server = app.listen(Number(process.env.PORT ?? 4000), () => {
  console.log('listening', server.address());
});
