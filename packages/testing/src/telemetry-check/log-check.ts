/** Log events against the contract. */

import { attribute, type LogEventKey, logEvents } from '@graphiti-fallback/core/telemetry';
import { attributeProblem } from './attribute-check.ts';
import type { EmittedLog } from './sdk-shapes.ts';

/** Which log event of the contract this is. */
export function logEventKey({ eventName }: EmittedLog): LogEventKey | undefined {
  const keys = Object.keys(logEvents) as LogEventKey[];
  return keys.find((key) => logEvents[key].eventName === eventName);
}

/** Everything that is wrong with a log event. */
export function logProblems(log: EmittedLog): readonly string[] {
  const key = logEventKey(log);
  if (!key) return [`the log event '${log.eventName}' is not in the contract`];
  const told = logEvents[key];
  const expected = [attribute.name, ...told.attributes];
  const problems = expected
    .filter((each) => !(each in log.attributes))
    .map((each) => `it misses the attribute '${each}'`);
  for (const [each, value] of Object.entries(log.attributes)) {
    const problem = expected.includes(each)
      ? attributeProblem(each, value)
      : `it must not have the attribute '${each}'`;
    if (problem) problems.push(problem);
  }
  if (log.severityNumber !== told.severityNumber || log.severityText !== told.severity)
    problems.push(`its severity is ${log.severityText}, the contract says ${told.severity}`);
  return problems.map((problem) => `log event '${told.eventName}': ${problem}`);
}
