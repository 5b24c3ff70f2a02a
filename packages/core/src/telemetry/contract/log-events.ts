/** Log events. */

import { attribute } from './attributes.ts';
import type { Stability } from './scope.ts';

/** A log event by its key in {@link logEvents}. */
export type LogEventKey =
  | 'breakerTransition'
  | 'activated'
  | 'deactivated'
  | 'deadLettered'
  | 'unconfirmed'
  | 'storeFailed'
  | 'operatorActed'
  | 'operatorDenied';

/** A log event as it is promised. */
export interface LogEventContract {
  readonly eventName: string;
  readonly severity: 'INFO' | 'WARN' | 'ERROR';
  /** As OpenTelemetry numbers it. */
  readonly severityNumber: 9 | 13 | 17;
  readonly description: string;
  readonly stability: Stability;
  /** Attributes besides the manager's name. */
  readonly attributes: readonly string[];
}

const numbers = { INFO: 9, WARN: 13, ERROR: 17 } as const;

function logEvent(
  name: string,
  severity: LogEventContract['severity'],
  description: string,
  attributes: readonly string[],
): LogEventContract {
  return {
    eventName: `graphiti_fallback.${name}`,
    severity,
    severityNumber: numbers[severity],
    description,
    stability: 'development',
    attributes,
  };
}

const a = attribute;
const outage = [a.breakerName, a.mode, a.outageTrigger, a.outageReason];

/** Every log event. */
export const logEvents: Readonly<Record<LogEventKey, LogEventContract>> = {
  breakerTransition: logEvent('breaker.transition', 'INFO', 'A breaker changed its state.', [
    a.breakerName,
    a.breakerPreviousState,
    a.breakerState,
    a.breakerReason,
  ]),
  activated: logEvent('fallback.activated', 'WARN', 'An outage began.', outage),
  deactivated: logEvent('fallback.deactivated', 'INFO', 'An outage is over.', [
    ...outage,
    a.outageDuration,
  ]),
  deadLettered: logEvent('queue.dead_lettered', 'ERROR', 'A queued write was given up.', [
    a.operationName,
    a.messagingMessageId,
    a.deadLetterReason,
  ]),
  unconfirmed: logEvent(
    'queue.unconfirmed',
    'WARN',
    'An acknowledged write was not seen upstream in time.',
    [a.operationName, a.messagingMessageId],
  ),
  storeFailed: logEvent('store.failed', 'ERROR', 'The store did not do what it was asked.', [
    a.storeKind,
    a.storeVerb,
  ]),
  operatorActed: logEvent('operator.acted', 'INFO', 'An operator did something over HTTP.', [
    a.operatorAction,
    a.operatorTarget,
    a.operatorResult,
    a.operatorName,
  ]),
  operatorDenied: logEvent(
    'operator.denied',
    'WARN',
    'Somebody wanted to act as an operator over HTTP and was not let.',
    [],
  ),
};
