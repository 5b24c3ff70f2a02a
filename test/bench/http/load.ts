/** Requests to an app, some at a time. */

import { Agent, get } from 'node:http';

/** At once; each asks for something else, so that the kit has nothing to share among them. */
const concurrency = 8;
const questions = 64;
const agent = new Agent({ keepAlive: true, maxSockets: concurrency });

/** Sends so many requests, and resolves when all are answered. */
export async function load(url: string, requests: number): Promise<void> {
  let sent = 0;
  const send = async () => {
    while (sent < requests) {
      sent += 1;
      await ask(`${url}/facts?q=question${sent % questions}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, send));
}

function ask(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      response.resume().on('end', resolve);
    }).on('error', reject);
  });
}
