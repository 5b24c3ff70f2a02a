/** A chat's memory in Graphiti, with an Express app that goes on working while Graphiti is down. */

import { graphitiFallback } from '@graphiti-fallback/express';
import express from 'express';

const app = express();
const fallback = graphitiFallback(); // GRAPHITI_URL, FALLBACK_*, CIRCUIT_* from the environment

app.use(express.json());
app.use(fallback);

app.get('/facts', async (req, res) => {
  res.json(await req.graphiti.search({ query: String(req.query.q ?? ''), group_ids: ['demo'] }));
});

app.get('/messages', async (req, res) => {
  res.json(await req.graphiti.getEpisodes('demo', 10));
});

app.post('/messages', async (req, res) => {
  const receipt = await req.graphiti.addMessages('demo', [
    { role_type: 'user', role: 'ann', content: req.body?.text },
  ]);
  res.status(receipt.outcome === 'applied' ? 200 : 202).json(receipt);
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
