/** What became of one kept operation, for whoever was given its id: state and times, nothing of what is in it. */

import type { ServerResponse } from 'node:http';
import type { FallbackManager, OperationReport } from '@graphiti-fallback/core';
import { sendJson } from './own-answer.ts';
import { sendProblem } from './problem.ts';

/** The public part of an operation's report. Times are wall-clock ms. */
export type PublicOperation = Pick<
  OperationReport,
  | 'id'
  | 'state'
  | 'createdAt'
  | 'enqueuedAt'
  | 'nextAttemptAt'
  | 'acceptedAt'
  | 'unconfirmedAt'
  | 'endedAt'
>;

/** Answers a request for an operation, once it is known what an earlier process left. Never rejects. */
export async function answerOperation(
  response: ServerResponse,
  manager: FallbackManager,
  id: string,
): Promise<void> {
  try {
    await manager.open();
    const report = await manager.queue.find(id);
    if (report) sendJson(response, 200, publicOperation(report));
    else sendUnknown(response);
  } catch {
    sendProblem(response, 500, 'FALLBACK_STATUS_FAILED', 'The operation could not be looked up');
  }
}

function publicOperation(report: OperationReport): PublicOperation {
  const { id, state, createdAt, enqueuedAt, nextAttemptAt, acceptedAt, unconfirmedAt, endedAt } =
    report;
  return {
    id,
    state,
    createdAt,
    enqueuedAt,
    ...(nextAttemptAt !== undefined && { nextAttemptAt }),
    ...(acceptedAt !== undefined && { acceptedAt }),
    ...(unconfirmedAt !== undefined && { unconfirmedAt }),
    ...(endedAt !== undefined && { endedAt }),
  };
}

function sendUnknown(response: ServerResponse): void {
  const detail = 'No operation has this id; one that was replayed is remembered for a day';
  sendProblem(response, 404, 'FALLBACK_UNKNOWN_OPERATION', detail);
}
