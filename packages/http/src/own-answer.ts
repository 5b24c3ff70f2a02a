/** Answers that are the kit's own. */

import type { ServerResponse } from 'node:http';

/** Sends JSON, which nobody may store: it tells of this moment. Node leaves the body out for HEAD. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  type = 'application/json',
): void {
  const text = JSON.stringify(body);
  response.statusCode = status;
  response.setHeader('Content-Type', `${type}; charset=utf-8`);
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.setHeader('Cache-Control', 'no-store');
  response.end(text);
}
