/** A trace as text: its spans below their parents, with what they link to. */

import type { JaegerSpan, JaegerTrace } from './query.ts';

/** Attributes that tell nothing here: they say who made the span. */
const uninteresting = /^(otel\.|span\.kind$|internal\.|net\.|network\.|server\.|user_agent)/;

/** One line for each span. */
export function traceText({ traceId, spans }: JaegerTrace): string {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const roots = spans.filter(({ parentId }) => parentId === undefined || !known.has(parentId));
  return [`trace ${traceId}`, ...roots.flatMap((root) => lines(root, spans, 1))].join('\n');
}

function lines(span: JaegerSpan, spans: readonly JaegerSpan[], depth: number): string[] {
  const children = spans.filter(({ parentId }) => parentId === span.spanId);
  return [
    `${'  '.repeat(depth)}${span.name} [${span.spanId}] ${inMs(span.duration)}${details(span)}`,
    ...children.flatMap((child) => lines(child, spans, depth + 1)),
  ];
}

function details({ tags, links, warnings }: JaegerSpan): string {
  const shown = Object.entries(tags)
    .filter(([key]) => !uninteresting.test(key))
    .map(([key, value]) => `${key}=${value}`);
  return [
    ...links.map(({ traceId, spanId }) => ` -> ${traceId}/${spanId}`),
    ...(shown.length > 0 ? [` {${shown.join(', ')}}`] : []),
    ...warnings.map((warning) => ` WARNING ${warning}`),
  ].join('');
}

function inMs(duration: number): string {
  return `${(duration / 1_000).toFixed(3)} ms`;
}
