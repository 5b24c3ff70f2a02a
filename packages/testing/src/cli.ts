/** The test server as a command. */

import { Command, InvalidArgumentError } from 'commander';
import { graphitiServer } from './server/graphiti-server.ts';

const command = new Command('graphiti-fallback-server')
  .description('A Graphiti-compatible server on 127.0.0.1, with faults on demand.')
  .option('--port <number>', 'the port of Graphiti; 0 takes any free one', wholeNumber, 8000)
  .option('--control-port <number>', 'the port of the control endpoint', wholeNumber, 8001)
  .option('--ingest-delay <ms>', 'how long the worker takes for a message', wholeNumber, 5)
  .parse();

const { port, controlPort, ingestDelay } = command.opts<{
  port: number;
  controlPort: number;
  ingestDelay: number;
}>();

try {
  const server = await graphitiServer({ port, controlPort, ingestDelayMs: ingestDelay });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
  console.log(`graphiti ${server.url}`);
  console.log(`control  ${server.controlUrl}`);
} catch (error) {
  command.error(`error: ${inOptionWords(error)}`);
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It has to be a whole number.');
}

/** The library names its options; here they are written as on the command line. */
function inOptionWords(error: unknown): string {
  return (error as Error).message
    .replace('`port`', '`--port`')
    .replace('`controlPort`', '`--control-port`')
    .replace('`ingestDelayMs`', '`--ingest-delay`');
}
