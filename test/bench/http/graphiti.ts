/** A Graphiti that always answers at once, and always the same. */

import type { RequestListener } from 'node:http';

const facts = Array.from({ length: 10 }, (_, index) => ({
  uuid: `00000000-0000-4000-8000-00000000000${index}`,
  name: 'KNOWS',
  fact: `Ann knows Ben, as was told in message ${index}`,
  valid_at: '2026-01-01T00:00:00Z',
  invalid_at: null,
  created_at: '2026-01-01T00:00:00Z',
  expired_at: null,
}));
const answers = {
  '/search': JSON.stringify({ facts }),
  '/healthcheck': JSON.stringify({ status: 'healthy' }),
};

/** Its listener. */
export function createGraphiti(): RequestListener {
  return (request, response) => {
    request.resume().on('end', () => {
      const answer = answers[request.url as keyof typeof answers];
      response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
      response.end(answer ?? '{}');
    });
  };
}
