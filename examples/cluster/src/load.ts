/** Users that write all the time, each into a group of its own, and note what was accepted by which worker. */

import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A message that the app took. */
export interface Accepted {
  readonly group: string;
  readonly text: string;
  /** The process that took it. */
  readonly worker: number;
  readonly queued: boolean;
}

const betweenMs = 15;

/** A load under way. */
export interface Load {
  readonly accepted: readonly Accepted[];
  /** Messages whose answer was lost. */
  readonly uncertain: readonly string[];
  stop(): Promise<void>;
}

/** Starts users; each keeps its connection, and so its worker, as long as that lives. */
export function startLoad(port: number, groups: readonly string[]): Load {
  const accepted: Accepted[] = [];
  const uncertain: string[] = [];
  let running = true;
  const users = groups.map(async (group) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let number = 0; running; number += 1) {
      const text = `${group} says ${number}`;
      try {
        accepted.push({ group, text, ...(await send(port, group, text, agent)) });
      } catch {
        uncertain.push(text);
      }
      await sleep(betweenMs);
    }
    agent.destroy();
  });
  return {
    accepted,
    uncertain,
    async stop() {
      running = false;
      await Promise.all(users);
    },
  };
}

function send(
  port: number,
  group: string,
  text: string,
  agent: Agent,
): Promise<{ worker: number; queued: boolean }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const path = `/groups/${group}/messages`;
    const call = request({ port, path, method: 'POST', headers, agent, host: '127.0.0.1' });
    call.once('error', reject);
    call.once('response', (response) => {
      response.resume().once('end', () => {
        const { statusCode = 0 } = response;
        if (statusCode >= 300) return reject(new Error(`The app answered ${statusCode}`));
        resolve({ worker: Number(response.headers['x-worker']), queued: statusCode === 202 });
      });
    });
    call.end(JSON.stringify({ text }));
  });
}
