/** The app that the demo is about: an ordinary Express app whose memory is Graphiti. */

import { graphitiFallback } from '@graphiti-fallback/express';
import express from 'express';
import { shortenedTimes } from './shortened-times.ts';

const app = express();
const fallback = graphitiFallback(shortenedTimes); // GRAPHITI_URL and FALLBACK_* from the environment

app.use(express.json());
app.use(fallback);

app.post('/groups/:group/messages', async (req, res) => {
  const receipt = await req.graphiti.addMessages(req.params.group, [req.body]);
  res.status(receipt.outcome === 'applied' ? 200 : 202).json(receipt);
});

app.get('/groups/:group/episodes', async (req, res) => {
  res.json(await req.graphiti.getEpisodes(req.params.group, Number(req.query.last_n)));
});

app.get('/search', async (req, res) => {
  const group_ids = [String(req.query.group)];
  res.json(await req.graphiti.search({ query: String(req.query.q), group_ids }));
});

app.get('/graphiti', (req, res) => {
  res.json(req.graphiti.health());
});

app.use(graphitiFallback.errors());

const server = app.listen(Number(process.env.PORT), '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`app http://127.0.0.1:${address?.port}`);
});

process.once('SIGTERM', async () => {
  // A client that was busy keeps its connection; without this it would be served as long as it asks.
  setInterval(() => server.closeIdleConnections(), 50).unref();
  await new Promise((closed) => server.close(closed));
  await fallback.close(); // and nothing is left to do: the process ends by itself
});

// The live view counts every change of state; a status page that is asked now and then would miss some.
fallback.manager.on('stateChange', (change) => process.send?.(change));
