/** What a breaker was over time, as a bar: told by height and pattern, too, not by colour alone. */

import type { BreakerStateKind } from '@graphiti-fallback/core';
import type { Transition } from '@graphiti-fallback/http';
import { svg } from './element.ts';
import { lasting, words } from './figures.ts';
import type { Span } from './recent.ts';

/** A time in one state. */
interface Stretch extends Span {
  readonly state: BreakerStateKind;
}

/** One breaker's. */
export interface Timeline {
  readonly breaker: string;
  /** Its state now, and since when. */
  readonly state: BreakerStateKind;
  readonly since: number;
  readonly transitions: readonly Transition[];
  readonly span: Span;
}

const width = 600;
const height = 20;
const heights: Readonly<Record<BreakerStateKind, number>> = {
  closed: 4,
  half_open: 12,
  open: 20,
  isolated: 20,
};

/** The bar. */
export function timeline(of: Timeline): SVGElement {
  const { from, to } = of.span;
  const stretches = stretchesOf(of);
  const x = (at: number) => ((at - from) / (to - from)) * width;
  return svg(
    'svg',
    {
      class: 'timeline',
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': told(of, stretches),
    },
    stretches.map(({ state, from: begin, to: end }) => {
      const tall = heights[state];
      return svg('rect', {
        class: `state ${state}`,
        x: x(begin).toFixed(2),
        // What was short must be seen, too.
        width: Math.max(state === 'closed' ? 0 : 2, x(end) - x(begin)).toFixed(2),
        y: height - tall,
        height: tall,
      });
    }),
  );
}

/** Known from its transitions; before the first one it was what that one left. */
function stretchesOf({ breaker, state, since, transitions, span }: Timeline): readonly Stretch[] {
  const own = transitions.filter((each) => each.breaker === breaker);
  const first = own[0];
  const begins = first
    ? [{ at: span.from, state: first.from }, ...own.map(({ at, to }) => ({ at, state: to }))]
    : [{ at: Math.max(span.from, state === 'closed' ? span.from : since), state }];
  return begins.flatMap(({ at, state: kind }, index) => {
    const stretch = {
      state: kind,
      from: Math.max(span.from, at),
      to: begins[index + 1]?.at ?? span.to,
    };
    return stretch.to > stretch.from ? [stretch] : [];
  });
}

function told({ breaker, state, span }: Timeline, stretches: readonly Stretch[]): string {
  const away = stretches.filter((each) => each.state !== 'closed');
  const total = away.reduce((sum, each) => sum + each.to - each.from, 0);
  const past = away.length === 0 ? 'closed all the time' : `not closed for ${lasting(total)} of it`;
  return `${breaker}, the last ${lasting(span.to - span.from)}: ${past}; ${words(state)} now`;
}
