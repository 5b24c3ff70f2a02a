/** Reads server-sent events from a real connection, as a program would. */

import { type IncomingMessage, request } from 'node:http';
import type { PublicStatus } from '@graphiti-fallback/http';

/** An open stream, and what came by it so far. */
export interface EventReader {
  readonly response: IncomingMessage;
  /** The statuses, oldest first. */
  readonly statuses: readonly PublicStatus[];
  /** Everything, as it came. */
  readonly text: string;
  /** Resolves when the server, or this client, ended it. */
  readonly ended: Promise<void>;
  leave(): void;
}

/** Opens a stream; what it answers need not be one. */
export function readEvents(port: number, path: string): Promise<EventReader> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      const statuses: PublicStatus[] = [];
      let text = '';
      let taken = 0;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\n\n', taken); end >= 0; end = text.indexOf('\n\n', taken)) {
          const [, data] = /^event: status\ndata: (.*)$/.exec(text.slice(taken, end)) ?? [];
          if (data) statuses.push(JSON.parse(data));
          taken = end + 2;
        }
      });
      const ended = new Promise<void>((done) => response.on('close', done));
      resolve({
        response,
        statuses,
        get text() {
          return text;
        },
        ended,
        leave: () => call.destroy(),
      });
    });
    call.on('error', reject).end();
  });
}
