/** What an operator may do over HTTP: one small JSON body each, carried out and audited. */

import {
  type BreakerHandle,
  checkOptions,
  type FallbackManager,
  type FallbackMode,
  fallbackModes,
  type OperatorAction,
  oneOf,
  operatorActions,
} from '@graphiti-fallback/core';
import type { Exchange } from './exchange.ts';
import type { Operator } from './operators.ts';
import { sendJson } from './own-answer.ts';
import { sendProblem } from './problem.ts';
import { BodyError, closeUnread, jsonBody } from './request-body.ts';

/** The body of a request to act. */
export interface ActionRequest {
  readonly action: OperatorAction;
  /** Id of the operation to `retry` or `skip`. */
  readonly operation?: string;
  /** Name of the breaker to `isolate` or `restore`. */
  readonly breaker?: string;
  /** Of `activate` and `isolate`. @default the configured one */
  readonly mode?: FallbackMode;
  /** Of `activate` and `isolate`, for people. */
  readonly reason?: string;
}

/** What an action is done to, and whether it fitted; nothing where there is no such thing. */
type Done = { readonly target: string; readonly done: boolean } | undefined;

const longestText = 200;

/** Lets an operator act, or says why not. Never rejects. */
export async function answerAction(
  exchange: Exchange,
  manager: FallbackManager,
  operator: Operator,
): Promise<void> {
  const { request, response } = exchange;
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    response.setHeader('Connection', 'close');
    const detail = 'Expected a body of the type application/json';
    return sendProblem(response, 415, 'FALLBACK_INVALID_INPUT', detail);
  }
  try {
    const asked = checked(await jsonBody(request, exchange.body));
    await act(exchange, manager, operator, asked);
  } catch (error) {
    sendFailure(exchange, error);
  }
}

async function act(
  exchange: Exchange,
  manager: FallbackManager,
  operator: Operator,
  asked: ActionRequest,
): Promise<void> {
  const { response } = exchange;
  const { action } = asked;
  const by = operator.name === undefined ? {} : { by: operator.name };
  let result: Done;
  try {
    await manager.open();
    result = await carryOut(manager, asked);
  } catch {
    // Nobody knows how far it got: all the more it has to be told.
    const target = asked.operation ?? asked.breaker ?? manager.name;
    manager.audit({ action, target, result: 'failed', ...by });
    return sendProblem(response, 500, 'FALLBACK_ACTION_FAILED', 'The action failed');
  }
  if (!result) return sendMissing(exchange, asked);
  const { target, done } = result;
  manager.audit({ action, target, result: done ? 'done' : 'not_possible', ...by });
  if (done) return sendJson(response, 200, { action, target, done });
  const detail = `'${action}' does not fit how it is now`;
  sendProblem(response, 409, 'FALLBACK_NOT_POSSIBLE', detail);
}

function sendMissing({ response }: Exchange, { operation }: ActionRequest): void {
  const [code, detail] =
    operation === undefined
      ? ['FALLBACK_UNKNOWN_BREAKER', 'No breaker has this name']
      : ['FALLBACK_UNKNOWN_OPERATION', 'No operation of the queue has this id'];
  sendProblem(response, 404, code, detail);
}

function sendFailure({ response }: Exchange, error: unknown): void {
  closeUnread(response);
  const [status, code, detail] =
    error instanceof BodyError
      ? [error.status, 'FALLBACK_INVALID_INPUT', error.message]
      : error instanceof TypeError
        ? [400, 'FALLBACK_INVALID_INPUT', error.message]
        : [500, 'FALLBACK_ACTION_FAILED', 'The action failed'];
  sendProblem(response, status, code, detail);
}

const shortText = (value: unknown) =>
  typeof value === 'string' &&
  value.trim() !== '' &&
  value.length <= longestText &&
  !/[\p{C}\p{Zl}\p{Zp}]/u.test(value)
    ? undefined
    : `a text of 1 to ${longestText} printable characters`;

const checks = {
  action: oneOf(...operatorActions),
  operation: shortText,
  breaker: shortText,
  mode: oneOf(...fallbackModes),
  reason: shortText,
};

/** What each action needs, and what it may have. */
const members: Readonly<Record<OperatorAction, { needs?: 'operation' | 'breaker'; may?: true }>> = {
  retry: { needs: 'operation' },
  skip: { needs: 'operation' },
  pause: {},
  resume: {},
  activate: { may: true },
  deactivate: {},
  isolate: { needs: 'breaker', may: true },
  restore: { needs: 'breaker' },
};

/** @throws {TypeError} naming what is wrong */
function checked(body: unknown): ActionRequest {
  checkOptions('an action', body, checks);
  const asked = body as ActionRequest;
  if (!Object.hasOwn(asked, 'action'))
    throw new TypeError(
      `Expected \`action\` of an action to be ${oneOf(...operatorActions)(undefined)}`,
    );
  const { needs, may } = members[asked.action];
  if (needs && !Object.hasOwn(asked, needs))
    throw new TypeError(`Expected \`${needs}\` to be given with '${asked.action}'`);
  const allowed = ['action', needs, ...(may ? ['mode', 'reason'] : [])];
  const extra = Object.keys(asked).find((name) => !allowed.includes(name));
  if (extra !== undefined)
    throw new TypeError(`Expected no \`${extra}\` to be given with '${asked.action}'`);
  return asked;
}

async function carryOut(
  manager: FallbackManager,
  { action, operation = '', breaker: name = '', mode, reason }: ActionRequest,
): Promise<Done> {
  const { queue } = manager;
  const whole = (done: boolean) => ({ target: manager.name, done });
  const breaker = breakerOf(manager, name);
  switch (action) {
    case 'retry':
    case 'skip':
      if (!(await queue.find(operation))) return undefined;
      return { target: operation, done: await queue.decide(operation, action) };
    case 'pause':
    case 'resume':
      if (queue.paused === (action === 'pause')) return whole(false);
      queue[action]();
      return whole(true);
    case 'activate':
      await manager.activate(mode, reason);
      return whole(true);
    case 'deactivate':
      return whole(await manager.deactivate());
    case 'isolate':
      await breaker?.isolate(reason, mode);
      return breaker && { target: name, done: true };
    case 'restore':
      return breaker && { target: name, done: await breaker.restore() };
  }
}

/** Never made by being asked for. */
function breakerOf(manager: FallbackManager, name: string): BreakerHandle | undefined {
  for (const breaker of manager.breakers) if (breaker.name === name) return breaker;
  return undefined;
}
