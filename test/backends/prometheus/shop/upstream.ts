/** The upstream of the shop: a real server that works, fails or is half well, as it is told. */

import { once } from 'node:events';
import { createServer } from 'node:http';

/** What the upstream does to everybody. */
type Weather = 'well' | 'down' | 'degraded';

/** An upstream that answers. */
export interface Upstream {
  readonly url: string;
  turn(weather: Weather): void;
  close(): Promise<void>;
}

/** What it has against single things, whoever asks: their ids begin so. */
const statuses: Readonly<Record<string, number>> = {
  invalid: 422,
  secret: 401,
  doubtful: 500,
};
/** What it acknowledges and never does. */
const forgotten = 'lost';
/** How often it asks for patience before it takes something hasty. */
const patience = 2;

/** Starts it on a free port. */
export async function startUpstream(): Promise<Upstream> {
  let weather: Weather = 'well';
  let hasty = 0;
  const done = new Set<string>();
  const server = createServer((request, response) => {
    const [, kind = '', id = ''] = request.url?.split('/') ?? [];
    const health = kind === 'health';
    if (weather === 'down') response.statusCode = 503;
    else if (weather === 'degraded' && health) response.statusCode = 404;
    else response.statusCode = statuses[id.replace(/-.*/, '')] ?? 200;
    if (weather !== 'down' && id.startsWith('hasty') && hasty++ < patience)
      response.statusCode = 429;
    const acknowledged = kind === 'messages' && request.method === 'POST' && weather !== 'down';
    if (acknowledged) response.statusCode = 202;
    if (acknowledged && !id.startsWith(forgotten)) done.add(id);
    response.setHeader('content-type', 'application/json');
    const answer = { id, at: Date.now(), done: [...done] };
    request.resume().on('end', () => response.end(JSON.stringify(answer)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    turn(next) {
      weather = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
