/** An adapter for plain `node:http`, as somebody else would write it: only on what the README of http says. */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { answerProblem, type Pipeline, type RequestTools } from '@graphiti-fallback/http';

type Handler<Tools> = (
  request: IncomingMessage,
  response: ServerResponse,
  tools: Tools,
) => Promise<void>;

/** What is taken from an error, whoever threw it. */
type Answerable = {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly message?: string;
};

/** Hands requests to a handler with what it may use, and answers what is the kit's own. */
export function nodeHttpFallback<Tools extends RequestTools>(
  pipeline: Pipeline<Tools>,
  handle: Handler<Tools>,
  { mountPath = '', problems = true } = {},
): RequestListener {
  return async function graphitiFallback(request, response) {
    const [asked = '/'] = (request.url ?? '/').split('?');
    if (asked !== mountPath && !asked.startsWith(`${mountPath}/`))
      return void response.writeHead(404).end();
    const exchange = { request, response, path: asked.slice(mountPath.length), mountPath };
    if (pipeline.answer(exchange)) return;
    const tools = pipeline.begin(exchange);
    try {
      await tools.scope.run(() => handle(request, response, tools));
    } catch (error) {
      if (problems && answerProblem(error, response)) return;
      if (response.headersSent) return void (response.writableEnded || response.destroy());
      const { status = 500, headers, message } = error as Answerable;
      response.writeHead(status, { 'Content-Type': 'text/plain', ...headers }).end(message);
    }
  };
}
