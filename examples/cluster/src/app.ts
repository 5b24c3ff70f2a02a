/** The app of each worker: a chat's memory in Graphiti. */

import { graphitiFallback } from '@graphiti-fallback/express';
import express from 'express';

const app = express();
const fallback = graphitiFallback(); // GRAPHITI_URL, FALLBACK_*, CIRCUIT_* from the environment

app.use(express.json());
app.use(fallback);

app.post('/groups/:group/messages', async (req, res) => {
  const receipt = await req.graphiti.addMessages(req.params.group, [
    { role_type: 'user', role: 'ann', content: req.body?.text },
  ]);
  res.set('X-Worker', String(process.pid));
  res.status(receipt.outcome === 'applied' ? 200 : 202).json(receipt);
});

app.use(graphitiFallback.errors());

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log('listening', address?.port, 'worker', process.pid);
});

process.once('SIGTERM', () => {
  server.close(() => fallback.close().then(() => process.exit()));
  setInterval(() => server.closeIdleConnections(), 100);
});
