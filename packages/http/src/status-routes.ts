/** Everything below the status path: for programs, for orchestrators, for people, for operators. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { answerAction } from './actions.ts';
import { EventStreams } from './event-streams.ts';
import type { Exchange } from './exchange.ts';
import { History } from './history.ts';
import { createLivePage } from './live-page.ts';
import { answerOperation } from './operation-status.ts';
import { type Access, denied, operatorOf } from './operators.ts';
import { sendJson } from './own-answer.ts';
import { answerProbe, probes } from './probes.ts';
import { sendProblem } from './problem.ts';
import { publicStatus } from './public-status.ts';
import { createQueueView } from './queue-view.ts';
import type { StatusOptions } from './status-options.ts';
import { createStatusReader } from './status-reader.ts';

/** The routes of one manager's status. */
export interface StatusRoutes {
  /** Begins to keep the history. */
  start(): void;
  /** Answers what is below the status path: `rest` is what follows it. `undefined` for all else. */
  answer(exchange: Exchange, rest: string): Promise<void> | undefined;
  /** Ends the streams. */
  close(): void;
}

/**
 * Makes the routes.
 *
 * @throws {TypeError} when an option is wrong
 */
export function createStatusRoutes(
  manager: FallbackManager,
  { publicPath, traceUrl, authorize, hosts, events }: StatusOptions<never>,
): StatusRoutes {
  const read = createStatusReader(manager);
  const access = authorize && { authorize, hosts };
  const streams = new EventStreams(manager, read, events);
  const history = new History(manager);
  const queueView = createQueueView(manager);
  const page = createLivePage({ publicPath, traceUrl, operated: authorize !== undefined });

  return {
    start: () => history.start(),
    close() {
      read.end();
      streams.close();
      history.stop();
    },
    answer(exchange, rest) {
      const { method } = exchange.request;
      const isReading = method === 'GET' || method === 'HEAD';
      if (isReading && rest.startsWith('/page/'))
        return page.answerFile(exchange, rest.slice('/page/'.length));
      const [resource = '', name = '', ...more] = rest.split('/', 4).slice(1);
      if (more.length > 0) return undefined;
      if (method === 'POST')
        return resource === 'actions' && !name && access ? act(exchange, access) : undefined;
      if (!isReading) return undefined;
      if (resource === 'operations')
        return name ? answerOperation(exchange.response, manager, name) : undefined;
      return name === '' ? show(exchange, resource) : undefined;
    },
  };

  function show(exchange: Exchange, resource: string): Promise<void> | undefined {
    const { request, response } = exchange;
    if (probes.includes(resource)) return answerProbe(response, { manager, read, asked: resource });
    switch (resource) {
      case '':
        response.appendHeader('Vary', 'Accept');
        if (page.isWanted(exchange)) return page.answer(exchange);
        return answer(exchange, () => publicStatus(read()));
      case 'history':
        return answer(exchange, () => history.report());
      case 'events':
        return opened(exchange, () => streams.open(response, request.method === 'HEAD'));
      case 'queue':
        return access && look(exchange, access);
      default:
        return undefined;
    }
  }

  async function look(exchange: Exchange, access: Access): Promise<void> {
    const operator = await operatorOf(exchange, access);
    return operator ? answer(exchange, queueView) : denied(exchange, manager);
  }

  async function act(exchange: Exchange, access: Access): Promise<void> {
    const operator = await operatorOf(exchange, access);
    return operator ? answerAction(exchange, manager, operator) : denied(exchange, manager);
  }

  function answer(exchange: Exchange, body: () => object): Promise<void> {
    return opened(exchange, () => sendJson(exchange.response, 200, body()));
  }

  /** Once it is known what an earlier process left. Never rejects. */
  async function opened({ response }: Exchange, send: () => void): Promise<void> {
    try {
      history.start();
      await manager.open();
      send();
    } catch {
      sendProblem(response, 500, 'FALLBACK_STATUS_FAILED', 'The status could not be taken');
    }
  }
}
