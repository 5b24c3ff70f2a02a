/** A chat's memory in Graphiti, with a Koa app that goes on working while Graphiti is down. */

import { graphitiFallback } from '@graphiti-fallback/koa';
import Router from '@koa/router';
import Koa from 'koa';
import bodyParser from 'koa-bodyparser';

const app = new Koa();
const router = new Router();
const fallback = graphitiFallback(); // GRAPHITI_URL, FALLBACK_*, CIRCUIT_* from the environment

app.use(graphitiFallback.errors());
app.use(bodyParser());
app.use(fallback); // on the app, not on the router: its status path is no route

router.get('/facts', async (ctx) => {
  ctx.body = await ctx.graphiti.search({ query: String(ctx.query.q ?? ''), group_ids: ['demo'] });
});

router.get('/messages', async (ctx) => {
  ctx.body = await ctx.graphiti.getEpisodes('demo', 10);
});

router.post('/messages', async (ctx) => {
  const { text } = ctx.request.body as { text: string };
  const receipt = await ctx.graphiti.addMessages('demo', [
    { role_type: 'user', role: 'ann', content: text },
  ]);
  ctx.status = receipt.outcome === 'applied' ? 200 : 202;
  ctx.body = receipt;
});

app.use(router.routes());

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log('listening', server.address());
});

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    server.close(() => fallback.close().then(() => process.exit()));
    setInterval(() => server.closeIdleConnections(), 100); // Node closes those that are idle now only
  });
