/** What Jaeger has of the demo. */

import { inject } from 'vitest';
import { follow, type JaegerSpan, type JaegerTrace, search } from './query.ts';
import { traceText } from './trace-text.ts';

/** All spans of the demo's app. */
export const spans: readonly JaegerSpan[] = (
  await search(inject('jaeger').url, { service: inject('demo').service })
).flatMap((trace) => trace.spans);

/** Those of a name. */
export function named(name: string): JaegerSpan[] {
  return spans.filter((span) => span.name === name);
}

/** What a link or a parent's id leads to. */
export function spanAt(place: {
  readonly traceId: string;
  readonly spanId: string;
}): JaegerSpan | undefined {
  return spans.find(({ traceId, spanId }) => traceId === place.traceId && spanId === place.spanId);
}

/** The span and those above it. */
export function upwards(span: JaegerSpan | undefined): JaegerSpan[] {
  if (!span) return [];
  const { traceId, parentId } = span;
  return [span, ...(parentId === undefined ? [] : upwards(spanAt({ traceId, spanId: parentId })))];
}

/** What the page shows for a link that the demo printed. */
export function linked(what: string): Promise<JaegerTrace[]> {
  const link = inject('demo').links[what];
  if (link === undefined) throw new Error(`The demo printed no link to ${what}`);
  return follow(link);
}

/** So that a person sees what was tested. */
export function print(what: string, trace: JaegerTrace | undefined): void {
  console.log(`\n${what}\n${trace ? traceText(trace) : 'not found'}`);
}

/** The app is killed by kill -9 on its way: the spans of its last second die with it. */
export const lostAtTheKill = 24;
