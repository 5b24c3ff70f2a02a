/** The server's second port: faults, records and state over HTTP, while the main port refuses. */

import express, { type ErrorRequestHandler, type Express } from 'express';
import { type Fault, parseFaults } from './fault.ts';
import type { ActiveFault } from './fault-script.ts';
import type { Match } from './match.ts';
import type { ReceivedRequest } from './records.ts';
import type { ServerState } from './state.ts';

/** What the control endpoint can do to a server. */
export interface Controls {
  faults(): ActiveFault[];
  setFaults(faults: readonly Fault[]): Promise<void>;
  received(match?: Match): ReceivedRequest[];
  forget(): void;
  restart(): void;
  state(): ServerState;
}

/** Creates the control endpoint; its errors are 4xx with `{ error }`. */
export function controlApp(server: Controls): Express {
  const app = express().disable('x-powered-by');

  app.get('/faults', (_request, response) => {
    response.json(server.faults());
  });
  app.put(
    '/faults',
    express.json({ type: () => true, strict: false }),
    async (request, response) => {
      await server.setFaults(parseFaults(request.body));
      response.json(server.faults());
    },
  );
  app.delete('/faults', async (_request, response) => {
    await server.setFaults([]);
    response.json(server.faults());
  });
  app.get('/records', ({ query }, response) => {
    response.json(server.received(matchOf(query)));
  });
  app.delete('/records', (_request, response) => {
    server.forget();
    response.json(server.received());
  });
  app.post('/restart', (_request, response) => {
    server.restart();
    response.json(server.state());
  });
  app.get('/state', (_request, response) => {
    response.json(server.state());
  });
  app.use(({ method, path }, response) => {
    const error = `Expected GET, PUT or DELETE /faults, GET or DELETE /records, POST /restart or GET /state, got ${method} ${path}`;
    response.status(404).json({ error });
  });
  return app.use(onError);
}

const onError: ErrorRequestHandler = (
  error: Error & { status?: number },
  _request,
  response,
  _next,
) => {
  const { status = error instanceof TypeError ? 400 : 500, message } = error;
  const why = error instanceof SyntaxError ? `Expected the body to be JSON: ${message}` : message;
  response.status(status).json({ error: why });
};

function matchOf({ method, path }: Readonly<Record<string, unknown>>): Match {
  return {
    ...(typeof method === 'string' && { method }),
    ...(typeof path === 'string' && { path }),
  };
}
