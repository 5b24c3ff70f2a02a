/** What goes wrong with telemetry itself, in few lines: a backend that is down must be seen, and not flood. */

import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { getStringFromEnv, setGlobalErrorHandler } from '@opentelemetry/core';

/** How often one problem is said, in ms. */
const quietFor = 60_000;
/** What a backend means that has no such path: Jaeger has none for metrics and logs. */
const notTaken =
  'A backend that takes no metrics or no logs is spared them by OTEL_METRICS_EXPORTER=none, OTEL_LOGS_EXPORTER=none';
/** How many problems are told apart at most. */
const mostProblems = 100;

/** Says warnings and failed exports on stderr, each once a minute. With OTEL_LOG_LEVEL the SDK does it itself. */
export function sayProblems(): void {
  if (getStringFromEnv('OTEL_LOG_LEVEL') !== undefined) return;
  const say = sayer(
    (line) => console.warn(line),
    () => performance.now(),
  );
  const logger: DiagLogger = { error: say, warn: say, info() {}, debug() {}, verbose() {} };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  setGlobalErrorHandler((error) => say('cannot export:', error));
}

/** A function that writes what it is given, unless it has just done so. */
export function sayer(
  write: (line: string) => void,
  now: () => number,
): (...parts: unknown[]) => void {
  const said = new Map<string, number>();
  return (...parts) => {
    const line = `[opentelemetry] ${parts.map(inWords).join(' ')}`;
    const last = said.get(line);
    if (last !== undefined && now() - last < quietFor) return;
    if (said.size >= mostProblems) said.clear();
    said.set(line, now());
    write(line);
  };
}

/** An error by its message and code: a stack each time, or what a backend answered, is too much. */
function inWords(part: unknown): string {
  if (!(part instanceof Error)) return String(part);
  // A refused connection to both ::1 and 127.0.0.1 has no message of its own.
  const [first] = part instanceof AggregateError ? part.errors : [];
  const { code } = part as { readonly code?: unknown };
  const message = part.message || (first instanceof Error ? first.message : part.name);
  const told = code === undefined || message.includes(String(code));
  const hint = code === 404 || message.includes('Not Found') ? `. ${notTaken}` : '';
  return `${message}${told ? '' : ` (${code})`}${hint}`;
}
