/** Answers on the wire: whole ones, and one that breaks off. */

import type { ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';

/** Sends an answer: text as text/plain, everything else as JSON. */
export function reply(response: ServerResponse, answer: Answer): void {
  const text = head(response, answer);
  response.end(text);
}

/** Sends the head and half of the body of an answer, then resets the connection. */
export function replyHalf(response: ServerResponse, answer: Answer): void {
  const text = head(response, answer);
  response.write(text.slice(0, Math.ceil(text.length / 2)), () => {
    response.socket?.resetAndDestroy();
  });
}

function head(response: ServerResponse, { status, body, headers }: Answer): string {
  const plain = typeof body === 'string';
  const text = plain ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': plain ? 'text/plain; charset=utf-8' : 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  return text;
}
