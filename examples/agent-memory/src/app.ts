/** A chat service whose memory is Graphiti: it goes on talking, and forgets nothing, while Graphiti is down. */

import { graphitiFallback } from '@graphiti-fallback/express';
import express from 'express';
import { answerTo } from './agent.ts';
import { recall, remember } from './memory.ts';

const app = express();
// Lost messages are sent again; GRAPHITI_URL, GRAPHITI_CONFIRM, FALLBACK_*, CIRCUIT_* come from the environment.
const fallback = graphitiFallback({ confirm: { unconfirmed: 'resend' } });

app.use(express.json());
app.use(fallback);

app.post('/conversations/:id', async ({ params: { id }, body, graphiti }, res) => {
  const text = String(body?.text ?? '');
  const recollection = await recall(graphiti, id, text);
  const said = await remember(graphiti, id, { speaker: 'user', text });
  const answer = answerTo(text, recollection);
  const answered = await remember(graphiti, id, { speaker: 'assistant', text: answer });
  const { facts, factsAre } = recollection;
  res.json({ answer, facts, factsAre, remembered: [said.outcome, answered.outcome] });
});

app.get('/conversations/:id', async ({ params: { id }, query, graphiti }, res) => {
  res.json(await recall(graphiti, id, String(query.q ?? id)));
});

app.get('/memory', ({ graphiti }, res) => {
  res.json(graphiti.health());
});

app.use(graphitiFallback.errors());

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log('listening', server.address());
});

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    server.close(() => fallback.close().then(() => process.exit()));
    setInterval(() => server.closeIdleConnections(), 100); // Node closes those that are idle now only
  });
