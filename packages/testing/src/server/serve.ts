/** A request's way through the server: recorded, struck, carried out, answered. */

import { setMaxListeners } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, internalError } from './answer.ts';
import { readBody, shown } from './body.ts';
import type { Fault } from './fault.ts';
import type { FaultScript, Strike } from './fault-script.ts';
import type { Ingestion } from './ingestion.ts';
import type { OpenRecord, Records } from './records.ts';
import { reply, replyHalf } from './reply.ts';
import type { Router } from './router.ts';

/** The parts of a server that a request meets. */
export interface Parts {
  readonly records: Records;
  readonly faults: FaultScript;
  readonly route: Router;
  readonly ingestion: Ingestion;
  /** Aborts when the server closes: what is under way then is given up. */
  readonly closing: AbortSignal;
}

/** Creates the listener of the main port. */
export function createServe(parts: Parts): RequestListener {
  setMaxListeners(0, parts.closing); // every slow request listens
  return function onRequest(request, response) {
    serve(parts, request, response).catch(() => response.destroy());
  };
}

async function serve(parts: Parts, request: IncomingMessage, response: ServerResponse) {
  const { records, faults, route, ingestion, closing } = parts;
  const record = records.open(request);
  const body = await readBody(request);
  record.body = shown(body);

  const strikes = faults.strike(record);
  for (const { fault } of strikes) {
    record.fault = fault.kind;
    if (fault.kind === 'dead_worker') ingestion.kill();
    if (fault.kind === 'slow' && !fault.applied) await pause(fault.ms, null, { signal: closing });
  }
  const last = strikes.at(-1);
  if (last && isInstead(last.fault)) {
    respond(last, record, response);
    return;
  }

  const answer = route({ ...record, body });
  record.applied = answer.status < 300;
  for (const { fault } of strikes) {
    if (fault.kind === 'slow' && fault.applied) await pause(fault.ms, null, { signal: closing });
  }
  respond(last, record, response, answer);
}

/** Whether the request is not carried out at all. */
function isInstead(fault: Fault): boolean {
  if (fault.kind === 'slow' || fault.kind === 'dead_worker') return false;
  return !('applied' in fault && fault.applied);
}

/** Answers, unless a fault has another answer or none. */
function respond(
  strike: Strike | undefined,
  record: OpenRecord,
  response: ServerResponse,
  answer: Answer = { status: 200, body: { success: true } },
): void {
  const send = (sent: Answer) => {
    record.status = sent.status;
    reply(response, sent);
  };
  switch (strike?.fault.kind) {
    case 'hang':
      strike.hold(response);
      break;
    case 'reset':
      replyHalf(response, answer);
      break;
    case 'error':
      send(internalError);
      break;
    case 'throttle':
      send(tooMany(strike.fault.retryAfter));
      break;
    case 'unavailable':
      send({ status: 503, body: 'Service Unavailable' });
      break;
    default:
      send(answer);
  }
}

function tooMany(retryAfter = 1): Answer {
  return { status: 429, body: 'Too Many Requests', headers: { 'retry-after': String(retryAfter) } };
}
