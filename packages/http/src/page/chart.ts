/** A small chart of one series over time. */

import { svg } from './element.ts';
import type { Point, Span } from './recent.ts';

/** What is drawn. */
export interface Chart {
  readonly points: readonly Point[];
  readonly span: Span;
  /** For who cannot see it. */
  readonly label: string;
  /** The least that the whole height stands for. */
  readonly least: number;
}

const width = 300;
const height = 56;

/** An area with its line. It is as wide as there is room: the line keeps its width. */
export function chart({ points, span, label, least }: Chart): SVGElement {
  const known = points.filter(({ at }) => at >= span.from);
  const newest = known.at(-1);
  // What was counted last holds until it is counted again.
  const seen = newest ? [...known, { at: span.to, value: newest.value }] : [];
  const most = Math.max(least, ...seen.map(({ value }) => value));
  const place = ({ at, value }: Point) => {
    const x = ((at - span.from) / (span.to - span.from)) * width;
    const y = height - 1 - (value / most) * (height - 4);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  };
  const [first, last] = [seen[0], seen.at(-1)];
  const line = seen.map(place).join(' L ');
  const foot = (point: Point) => place({ ...point, value: 0 });
  return svg(
    'svg',
    {
      class: 'chart',
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': label,
    },
    svg('line', { class: 'ground', x1: 0, x2: width, y1: height - 1, y2: height - 1 }),
    first &&
      last && [
        svg('path', { class: 'area', d: `M ${foot(first)} L ${line} L ${foot(last)} Z` }),
        seen.some(({ value }) => value > 0) && svg('path', { class: 'line', d: `M ${line}` }),
      ],
  );
}

/** The greatest value that is drawn. */
export function peak(points: readonly Point[], { from }: Span): number {
  return Math.max(0, ...points.filter(({ at }) => at >= from).map(({ value }) => value));
}
