/** What a query names, by Prometheus' own grammar. */

import { parser } from '@prometheus-io/lezer-promql';

/** A metric with the labels by which a query selects, or sums it up. */
export interface NamedMetric {
  readonly metric: string;
  readonly labels: ReadonlySet<string>;
}

/** The metrics that a query names. @throws {SyntaxError} where it is none */
export function metricsOf(query: string): NamedMetric[] {
  const found: { metric: string; labels: Set<string>; from: number; to: number }[] = [];
  const groupings: { labels: string[]; from: number; to: number }[] = [];
  const text = ({ from, to }: { from: number; to: number }) => query.slice(from, to);
  parser.parse(query).iterate({
    enter(node) {
      if (node.type.isError) throw new SyntaxError(`At ${node.from} of ${query}`);
      if (node.name === 'VectorSelector') {
        const [identifier] = node.node.getChildren('Identifier');
        const { from, to } = node;
        found.push({ metric: identifier ? text(identifier) : '', labels: new Set(), from, to });
      }
      if (node.name === 'LabelName') {
        const selector = found.find(({ from, to }) => from <= node.from && node.to <= to);
        if (selector) selector.labels.add(text(node));
      }
      if (node.name === 'AggregateExpr') {
        const labels = node.node.getChild('AggregateModifier')?.getChild('GroupingLabels');
        const names = labels?.getChildren('LabelName').map(text) ?? [];
        groupings.push({ labels: names, from: node.from, to: node.to });
      }
    },
  });
  for (const { labels, from, to } of groupings)
    for (const selector of found)
      if (from <= selector.from && selector.to <= to)
        for (const label of labels) selector.labels.add(label);
  return found;
}
