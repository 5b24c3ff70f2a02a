/** Random stories: what callers, the upstream, the disk, the process and a person do, step by step. */

import fc, { type Arbitrary } from 'fast-check';
import { type FallbackMode, fallbackModes } from './mode.ts';
import type { ModelWrite } from './model-oracle.test.support.ts';
import type { Weather } from './model-weather.test.support.ts';

/** What may happen in a story, beside writes, reads and outages. */
export interface ModelConfiguration {
  readonly slow?: boolean;
  readonly failing?: boolean;
  readonly closes?: boolean;
  readonly crashes?: boolean;
  /** Callers that give up. */
  readonly aborts?: boolean;
  /** Several writes in one call. */
  readonly several?: boolean;
  readonly reconciles?: boolean;
  readonly crowded?: boolean;
  readonly checksHealth?: boolean;
  /** Some writes share a breaker of their own, which opens and closes by itself. */
  readonly twoBreakers?: boolean;
  /** Writes that are never kept. */
  readonly live?: boolean;
  /** A person who activates and deactivates fallback, in any mode. */
  readonly byHand?: boolean;
}

/** One thing that happens. Times are in ms. */
export type Event =
  | {
      readonly kind: 'write';
      readonly write: ModelWrite['kind'];
      readonly lane: string;
      /** So many in one call. */
      readonly size: number;
      readonly timeoutMs: number | undefined;
      /** The caller gives up then; 0 is before it began. */
      readonly givesUpAfterMs: number | undefined;
    }
  | { readonly kind: 'read'; readonly key: string }
  /** So many of the upstream's calls go wrong from now on. */
  | { readonly kind: 'upstream'; readonly outage: number }
  | { readonly kind: 'disk'; readonly disk: Weather['disk'] }
  | { readonly kind: 'crash' }
  | {
      readonly kind: 'close';
      /** How long the closed manager is used. */
      readonly lingersMs: number;
      /** Whether its process ends then, or lives on with another manager in it. */
      readonly exits: boolean;
    }
  /** Activates fallback in this mode, or ends it; or the first only if it is not active. */
  | { readonly kind: 'person'; readonly mode: FallbackMode; readonly deactivates: boolean };

/** An event, and what chance and time do after it. */
export type Step = Event & {
  /** Decides what is left to chance from here on: a shorter story keeps the luck of its steps. */
  readonly luck: number;
  /** How long until the next step; none at all where absent: not even promises go on. */
  readonly thenMs: number | undefined;
};

/** Stories with what the configuration allows. */
export function stories(configuration: ModelConfiguration): Arbitrary<readonly Step[]> {
  return fc.array(step(configuration), { minLength: 1, maxLength: 90, size: 'max' });
}

function step(configuration: ModelConfiguration): Arbitrary<Step> {
  const { slow, failing, closes, crashes, byHand } = configuration;
  const disks: Weather['disk'][] = ['well'];
  if (slow) disks.push('slow');
  if (failing) disks.push('failing');
  const events: { readonly weight: number; readonly arbitrary: Arbitrary<Event> }[] = [
    { weight: 70, arbitrary: write(configuration) },
    { weight: 7, arbitrary: fc.record({ kind: just('read'), key: fc.constantFrom('a', 'b') }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: just('upstream'),
        outage: fc.constantFrom(0, 0, 0.3, 0.7, 1),
      }),
    },
    {
      weight: disks.length > 1 ? 6 : 0,
      arbitrary: fc.record({ kind: just('disk'), disk: fc.constantFrom(...disks) }),
    },
    { weight: crashes ? 3 : 0, arbitrary: fc.constant({ kind: 'crash' }) },
    {
      weight: closes ? 2 : 0,
      arbitrary: fc.record({
        kind: just('close'),
        lingersMs: ms(3_000),
        exits: fc.boolean(),
      }),
    },
    {
      weight: byHand ? 6 : 0,
      arbitrary: fc.record({
        kind: just('person'),
        mode: fc.constantFrom(...fallbackModes),
        deactivates: fc.boolean(),
      }),
    },
  ];
  const around = fc.record({
    luck: fc.noShrink(fc.nat()),
    thenMs: fc.oneof(
      { weight: 55, arbitrary: fc.constant(undefined) },
      { weight: 10, arbitrary: fc.constant(0) },
      { weight: 18, arbitrary: ms(60) },
      { weight: 17, arbitrary: ms(2_000) },
    ),
  });
  return fc.tuple(fc.oneof(...events), around).map(([event, then]) => ({ ...event, ...then }));
}

function write({ live, reconciles, several, aborts }: ModelConfiguration): Arbitrary<Event> {
  const kinds: ModelWrite['kind'][] = ['idempotent', 'idempotent', 'idempotent'];
  if (reconciles) kinds.push('reconciled', 'reconciled');
  if (live) kinds.push('live');
  return fc.record({
    kind: just('write'),
    write: fc.constantFrom(...kinds),
    lane: fc.constantFrom('a', 'a', 'b'),
    size: several ? fc.constantFrom(1, 1, 1, 2, 3) : fc.constant(1),
    timeoutMs: fc.option(
      ms(2_500).map((more) => 50 + more),
      { nil: undefined },
    ),
    givesUpAfterMs: aborts
      ? fc.oneof(
          { weight: 15, arbitrary: fc.constant(undefined) },
          { weight: 1, arbitrary: fc.constant(0) },
          { weight: 4, arbitrary: ms(1_500) },
        )
      : fc.constant(undefined),
  });
}

function ms(below: number): Arbitrary<number> {
  return fc.nat(below - 1);
}

function just<Kind extends string>(kind: Kind): Arbitrary<Kind> {
  return fc.constant(kind);
}
