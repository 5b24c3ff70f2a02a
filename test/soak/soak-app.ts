/** The app of the soak: ordinary, but for short times and for a route that tells how it fares. */

import { watchVitals } from './vitals.ts';

const vitals = watchVitals();
const { graphitiFallback } = await import('@graphiti-fallback/express');
const { default: express } = await import('express');
const { shortTimes } = await import('./short-times.ts');

const app = express();
const fallback = graphitiFallback(shortTimes); // GRAPHITI_URL and FALLBACK_* from the environment

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

app.get('/vitals', async (_req, res) => {
  res.json(await vitals());
});

app.use(graphitiFallback.errors());

const server = app.listen(Number(process.env.PORT), '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`app http://127.0.0.1:${address?.port}`);
});

process.once('SIGTERM', async () => {
  setInterval(() => server.closeIdleConnections(), 50).unref();
  await new Promise((closed) => server.close(closed));
  await fallback.close();
  process.exit();
});
