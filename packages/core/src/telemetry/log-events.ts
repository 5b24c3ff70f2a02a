/** Log events, where the API and an SDK have logs: the turns of an outage, for who reads logs and no spans. */

import * as api from '@opentelemetry/api';
import type { Emitter, FallbackEvents } from '../events.ts';
import { attribute, type LogEventKey, logEvents, scope } from './contract.ts';

/** What is used of the logs API: it is there from 1.10 on, and its types must not be in ours. */
interface Logs {
  getLoggerProvider(): {
    getLogger(
      name: string,
      version: string,
      options: { readonly schemaUrl: string },
    ): { emit(record: object): void };
  };
}

/** Emits them as they happen. */
export function writeLogEvents(name: string, events: Emitter<FallbackEvents>): void {
  events.on('stateChange', ({ breaker, from, to, reason }) =>
    emit('breakerTransition', `${breaker}: ${from} to ${to}, ${reason}`, {
      [attribute.breakerName]: breaker,
      [attribute.breakerPreviousState]: from,
      [attribute.breakerState]: to,
      [attribute.breakerReason]: reason,
    }),
  );
  events.on('activated', ({ breaker, mode, trigger, reason }) =>
    emit('activated', `Fallback of ${breaker} is active: ${mode}`, {
      [attribute.breakerName]: breaker,
      [attribute.mode]: mode,
      [attribute.outageTrigger]: trigger,
      [attribute.outageReason]: reason,
    }),
  );
  events.on('deactivated', ({ breaker, mode, trigger, reason, lastedMs }) =>
    emit('deactivated', `Fallback of ${breaker} is over`, {
      [attribute.breakerName]: breaker,
      [attribute.mode]: mode,
      [attribute.outageTrigger]: trigger,
      [attribute.outageReason]: reason,
      [attribute.outageDuration]: lastedMs / 1000,
    }),
  );
  events.on('queue', ({ event, id, operation, reason }) => {
    if (event !== 'dead_lettered') return;
    emit('deadLettered', `A queued ${operation} was given up`, {
      [attribute.operationName]: operation,
      [attribute.messagingMessageId]: id,
      [attribute.deadLetterReason]: reason ?? 'rejected',
    });
  });
  events.on('queue', ({ event, id, operation }) => {
    if (event !== 'unconfirmed') return;
    emit('unconfirmed', `An acknowledged ${operation} was not seen in time`, {
      [attribute.operationName]: operation,
      [attribute.messagingMessageId]: id,
    });
  });
  events.on('storeFailed', ({ store, verb }) =>
    emit('storeFailed', `The ${store} store failed: ${verb}`, {
      [attribute.storeKind]: store,
      [attribute.storeVerb]: verb,
    }),
  );

  events.on('operatorActed', ({ action, target, result, by = 'unnamed' }) =>
    emit('operatorActed', `${by}: ${action} ${target}, ${result}`, {
      [attribute.operatorAction]: action,
      [attribute.operatorTarget]: target,
      [attribute.operatorResult]: result,
      [attribute.operatorName]: by,
    }),
  );
  events.on('operatorDenied', () => emit('operatorDenied', 'An operator was not let', {}));

  function emit(key: LogEventKey, body: string, attributes: api.Attributes): void {
    if (!('logs' in api)) return;
    const { logs } = api as unknown as { readonly logs: Logs };
    const { eventName, severity, severityNumber } = logEvents[key];
    logs
      .getLoggerProvider()
      .getLogger(scope.name, scope.version, { schemaUrl: scope.schemaUrl })
      .emit({
        eventName,
        severityText: severity,
        severityNumber,
        body,
        attributes: { [attribute.name]: name, ...attributes },
      });
  }
}
