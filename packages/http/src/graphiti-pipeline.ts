/** The pipeline of the one line: Graphiti's client for each request. */

import type { IncomingMessage } from 'node:http';
import type { GraphitiClient } from '@graphiti-fallback/graphiti';
import type { GraphitiFallbackOptions } from './composition.ts';
import { adoptOrCompose } from './default-composition.ts';
import { createPipeline, type Pipeline, type RequestTools } from './pipeline.ts';
import { scopedClient } from './scoped-client.ts';

/** What a handler may use, Graphiti's client among it. */
export interface GraphitiTools extends RequestTools {
  readonly graphiti: GraphitiClient;
}

/**
 * Creates the pipeline of `graphitiFallback()`: Graphiti, lowdb files and the environment put together.
 *
 * @throws {TypeError} when an option or a variable is wrong, naming it, what was expected and what came
 */
export function createGraphitiPipeline<Caller = IncomingMessage>(
  options?: GraphitiFallbackOptions<Caller>,
): Pipeline<GraphitiTools> {
  const { manager, client, status } = adoptOrCompose(options);
  const pipeline = createPipeline(manager, status);
  return {
    ...pipeline,
    begin(exchange) {
      const tools = pipeline.begin(exchange);
      return { ...tools, graphiti: scopedClient(client, tools.scope) };
    },
  };
}
