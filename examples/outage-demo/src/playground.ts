/** The command `npm run dev`: the demo's server and app to play with, until Ctrl-C. */

import { once } from 'node:events';
import { Command } from 'commander';
import { Stage } from './stage.ts';

new Command('dev')
  .description("The demo's app and its Graphiti-compatible server, on free ports, to play with.")
  .parse();

const stage = new Stage({
  line: (name, line) => console.log(`${name}: ${line}`),
  transition: ({ from, to, reason }) => console.log(`breaker: ${from} → ${to} (${reason})`),
});
process.once('exit', () => stage.closeNow());
stage.crashed.addEventListener('abort', () => {
  console.error(String(stage.crashed.reason));
  process.exit(1);
});

const { controlUrl } = await stage.startGraphiti();
await stage.startApp();
console.log(`
Open the live page:
  ${stage.appUrl}/health/fallback
Say something, and look it up:
  curl -X POST ${stage.appUrl}/groups/demo/messages -H 'content-type: application/json' -d '{"role_type":"user","content":"The museum opens at nine"}'
  curl -i '${stage.appUrl}/search?group=demo&q=museum'
Make an outage, ask twice (five failed tries open the breaker, a call makes up to three), look, and end it:
  curl -X PUT ${controlUrl}/faults -d '{"kind":"refuse"}'
  curl -i '${stage.appUrl}/search?group=demo&q=museum'
  curl -i '${stage.appUrl}/search?group=demo&q=museum'
  curl ${stage.appUrl}/health/fallback
  curl -X DELETE ${controlUrl}/faults
Ctrl-C ends both.
`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await stage.close();
process.exit();
