/** One collector for the process: it observes the numbers of all managers, and binds to the SDK whenever that starts. */

import * as api from '@opentelemetry/api';
import { ByValues } from './by-values.ts';
import { attribute, type MetricContract, type MetricKey, metrics, scope } from './contract.ts';
import { NameBudget, SeriesBudget } from './name-budget.ts';
import { isNoop } from './sdk.ts';

/** One observed value; `values` are those of the metric's attributes, in the contract's order. */
export interface Measurement {
  readonly metric: MetricKey;
  readonly values: readonly string[];
  readonly value: number;
}

/** Whoever has numbers: a manager. */
interface Source {
  readonly name: string;
  measure(): Iterable<Measurement>;
}

/** A histogram, and the attributes of what is recorded: made once a set, since it is asked for at every call. */
interface Histogram {
  readonly instrument: api.Histogram;
  readonly attributes: ByValues<api.Attributes>;
}

interface Collector {
  /** Whether somebody takes what is recorded. */
  readonly bound: boolean;
  add(source: Source): () => void;
  /** Binds to the meter provider of now, if it is another than before. */
  bind(): void;
  record(metric: MetricKey, name: string, values: readonly string[], value: number): void;
}

/** Two installed copies share it: two callbacks that observe the same set would export phantom traffic. */
const shared = Symbol.for('graphiti-fallback.collector.1');

/** The process's collector. */
export function collector(): Collector {
  const holder = globalThis as { [shared]?: Collector };
  holder[shared] ??= createCollector();
  return holder[shared];
}

/** One set of attributes of a metric, and what it has come to. */
interface Sum {
  readonly key: MetricKey;
  readonly attributes: api.Attributes;
  value: number;
}

function createCollector(): Collector {
  const sources = new Set<Source>();
  const names = new NameBudget();
  const series = new SeriesBudget();
  /** What closed managers counted last: a set that disappears would be exported with its last value for ever. */
  const retired = new Map<string, Sum>();
  let provider: api.MeterProvider | undefined;
  let unbind = () => {};
  let histograms = new Map<MetricKey, Histogram>();
  let warned = false;

  return {
    get bound() {
      return histograms.size > 0;
    },
    add(source) {
      sources.add(source);
      return () => {
        if (!sources.delete(source)) return;
        for (const measurement of seriesOf(source)) retire(measurement);
      };
    },
    bind() {
      const present = api.metrics.getMeterProvider();
      if (present === provider) return;
      provider = present;
      quietly(() => {
        unbind();
        unbind = () => {};
        histograms = new Map();
        if (isNoop(present)) return;
        bindTo(present.getMeter(scope.name, scope.version, { schemaUrl: scope.schemaUrl }));
      });
    },
    record(metric, name, values, value) {
      const histogram = histograms.get(metric);
      if (histogram)
        quietly(() =>
          histogram.instrument.record(value, histogram.attributes.at([name, ...values])),
        );
    },
  };

  /** What the SDK throws must not cost a call: it is said once. */
  function quietly(measure: () => void): void {
    try {
      measure();
    } catch (error) {
      if (!warned)
        process.emitWarning(`The OpenTelemetry SDK threw: ${String(error)}`, 'FallbackWarning');
      warned = true;
    }
  }

  function bindTo(meter: api.Meter): void {
    const observables = new Map<MetricKey, api.Observable>();
    for (const [key, { name, kind, unit, description, ...more }] of Object.entries(metrics) as [
      MetricKey,
      MetricContract,
    ][]) {
      const options = { unit, description };
      if (kind === 'counter') observables.set(key, meter.createObservableCounter(name, options));
      else if (kind === 'upDownCounter')
        observables.set(key, meter.createObservableUpDownCounter(name, options));
      else if (kind === 'gauge') observables.set(key, meter.createObservableGauge(name, options));
      else {
        const advice = { explicitBucketBoundaries: [...(more.buckets ?? [])] };
        histograms.set(key, {
          instrument: meter.createHistogram(name, { ...options, advice }),
          attributes: new ByValues(([manager = '', ...values]) =>
            Object.freeze(attributesOf(key, manager, values)),
          ),
        });
      }
    }
    const observe: api.BatchObservableCallback = (result) => {
      for (const { key, attributes, value } of sums().values()) {
        const observable = observables.get(key);
        if (observable) result.observe(observable, value, attributes);
      }
    };
    const all = [...observables.values()];
    meter.addBatchObservableCallback(observe, all);
    unbind = () => meter.removeBatchObservableCallback(observe, all);
  }

  /** Equal sets of attributes are added up over managers before they are observed. */
  function sums(): Map<string, Sum> {
    const all = new Map([...retired].map(([id, entry]) => [id, { ...entry }]));
    for (const source of sources) for (const series of seriesOf(source)) add(all, series);
    return all;
  }

  /** A set that disappears would be exported with its last value for ever. */
  function retire(series: Sum): void {
    add(retired, { ...series, value: metrics[series.key].kind === 'counter' ? series.value : 0 });
  }

  function* seriesOf(source: Source): Generator<Sum> {
    for (const { metric, values, value } of measured(source))
      yield { key: metric, attributes: attributesOf(metric, source.name, values), value };
  }

  function attributesOf(
    metric: MetricKey,
    name: string,
    values: readonly string[],
  ): api.Attributes {
    const { name: told, attributes: more } = metrics[metric];
    const keys = [attribute.name, ...more];
    const bounded = keys.map((key, index) =>
      names.of(key, index === 0 ? name : (values[index - 1] ?? '')),
    );
    const carried = series.of(told, keys, bounded);
    const attributes: api.Attributes = {};
    for (const [index, key] of keys.entries()) attributes[key] = carried[index];
    return attributes;
  }
}

/** Ages of one name are the oldest; all else adds up. */
function add(sums: Map<string, Sum>, series: Sum): void {
  const id = `${series.key}\u0000${Object.values(series.attributes).join('\u0000')}`;
  const known = sums.get(id);
  if (!known) sums.set(id, { ...series });
  else if (metrics[series.key].kind === 'gauge') known.value = Math.max(known.value, series.value);
  else known.value += series.value;
}

/** A manager whose numbers cannot be read must not cost the others theirs. */
function measured(source: Source): readonly Measurement[] {
  try {
    return [...source.measure()];
  } catch {
    return [];
  }
}
