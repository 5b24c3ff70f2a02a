/** What happens, step by step, for whoever looks for a fault: off unless the environment asks for it. */

import { debuglog } from 'node:util';
import type { Emitter, FallbackEvents } from './events.ts';
import { classify } from './failure.ts';

const variable = 'GRAPHITI_FALLBACK_DEBUG';

/** What can be asked for. */
const sections = ['setup', 'call', 'breaker', 'cache', 'queue', 'health', 'store'] as const;

/** A part of the kit that tells what it does. */
export type DebugSection = (typeof sections)[number];

/** Writes one line. */
export type DebugLog = (line: string) => void;

/**
 * How to write lines of a section to stderr, where `GRAPHITI_FALLBACK_DEBUG` names it (`*`, or several with
 * commas) or `NODE_DEBUG` names `graphiti-fallback:<section>`; undefined where nobody asked.
 */
export function debugSection(section: DebugSection): DebugLog | undefined {
  if (wanted().has(section))
    return (line) => {
      process.stderr.write(
        `[graphiti-fallback] ${new Date().toISOString()} ${section.padEnd(7)} ${line}\n`,
      );
    };
  const log = debuglog(`graphiti-fallback:${section}`);
  return log.enabled ? (line) => log('%s', line) : undefined;
}

/**
 * Writes what a manager tells, by sections. Names and codes only: no payloads, keys, ids, or texts of the
 * upstream, so that it may be sent to others. Nothing listens to a section that nobody asked for.
 */
export function debugEvents(name: string, events: Emitter<FallbackEvents>): void {
  const tell = <Name extends keyof FallbackEvents>(
    section: DebugSection,
    event: Name,
    line: (event: FallbackEvents[Name]) => string,
  ): void => {
    const log = debugSection(section);
    if (log) events.on(event, (told) => log(`${name}: ${line(told)}`));
  };
  tell('call', 'attempt', ({ operation, result }) => `${operation} tried: ${result}`);
  tell(
    'call',
    'operation',
    ({ operation, outcome, reason, durationMs }) =>
      `${operation} ended: ${outcome}${because(reason)} in ${ms(durationMs)}`,
  );
  tell(
    'breaker',
    'stateChange',
    ({ breaker, from, to, reason }) => `${breaker} ${from} > ${to}${because(reason)}`,
  );
  tell(
    'breaker',
    'activated',
    ({ breaker, mode, trigger, reason }) => `${breaker} outage: ${mode}, ${trigger}, ${reason}`,
  );
  tell(
    'breaker',
    'deactivated',
    ({ breaker, lastedMs }) => `${breaker} outage over after ${ms(lastedMs)}`,
  );
  tell(
    'cache',
    'cacheLookup',
    ({ result, ageMs, fallback }) =>
      `${result}${ageMs === undefined ? '' : `, ${ms(ageMs)} old`}${fallback ? ', no live answer' : ''}`,
  );
  tell('cache', 'cacheEvicted', ({ reason }) => `evicted${because(reason)}`);
  tell('queue', 'queue', ({ event, operation, reason, laneDepth }) => {
    const depth = laneDepth === undefined ? '' : `, ${laneDepth} in its lane`;
    return `${operation} ${event}${because(reason)}${depth}`;
  });
  tell(
    'queue',
    'processed',
    ({ operation, result, waitedMs, durationMs }) =>
      `${operation} replayed: ${result} in ${ms(durationMs)}, had waited ${ms(waitedMs)}`,
  );
  tell(
    'health',
    'healthChecked',
    ({ component, status, durationMs }) => `${component} ${status} in ${ms(durationMs)}`,
  );
  tell('health', 'healthChanged', ({ of, from, to }) => `${of} ${from} > ${to}`);
  tell(
    'health',
    'healthAlert',
    ({ component, raised }) => `${component} alert ${raised ? 'raised' : 'over'}`,
  );
  tell('queue', 'operatorActed', ({ action, result }) => `an operator: ${action}, ${result}`);
  tell(
    'store',
    'storeFailed',
    ({ store, verb, error }) => `${store} failed: ${verb}${because(classify(error).code)}`,
  );
}

let complained = false;

/** Looked up at each construction, so that a test or an app may set it before. */
function wanted(): ReadonlySet<string> {
  const asked = (process.env[variable] ?? '')
    .split(',')
    .map((section) => section.trim())
    .filter((section) => section !== '');
  const unknown = asked.find((section) => section !== '*' && !sections.some((s) => s === section));
  // Whoever looks for a fault must not be given another one by a typing error.
  if (unknown !== undefined && !complained)
    process.emitWarning(
      `${variable} has '${unknown}', expected * or some of ${sections.join(', ')}`,
      'FallbackWarning',
    );
  complained ||= unknown !== undefined;
  return new Set(asked.includes('*') ? sections : asked);
}

function because(reason: string | undefined): string {
  return reason ? ` (${reason})` : '';
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
