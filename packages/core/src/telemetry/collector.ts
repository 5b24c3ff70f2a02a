/** One collector for the process: it observes the numbers of all managers, and binds to the SDK whenever that starts. */

import * as api from '@opentelemetry/api';
import { ByValues } from './by-values.ts';
import { attribute, type MetricContract, type MetricKey, metrics, scope } from './contract.ts';
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

function createCollector(): Collector {
  const sources = new Set<Source>();
  /** What closed managers counted last: a set that disappears would be exported with its last value for ever. */
  const retired = new Map<
    string,
    { readonly key: MetricKey; readonly attributes: api.Attributes; value: number }
  >();
  let provider: api.MeterProvider | undefined;
  let unbind = () => {};
  let histograms = new Map<MetricKey, Histogram>();

  return {
    add(source) {
      sources.add(source);
      return () => {
        if (!sources.delete(source)) return;
        for (const measurement of measured(source)) retire(source.name, measurement);
      };
    },
    bind() {
      const present = api.metrics.getMeterProvider();
      if (present === provider) return;
      provider = present;
      unbind();
      unbind = () => {};
      histograms = new Map();
      if (isNoop(present)) return;
      bindTo(present.getMeter(scope.name, scope.version, { schemaUrl: scope.schemaUrl }));
    },
    record(metric, name, values, value) {
      const histogram = histograms.get(metric);
      histogram?.instrument.record(value, histogram.attributes.at([name, ...values]));
    },
  };

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
  function sums(): Map<
    string,
    { readonly key: MetricKey; readonly attributes: api.Attributes; value: number }
  > {
    const all = new Map([...retired].map(([id, entry]) => [id, { ...entry }]));
    for (const source of sources)
      for (const { metric, values, value } of measured(source)) {
        const id = `${metric}\u0000${source.name}\u0000${values.join('\u0000')}`;
        const known = all.get(id);
        if (known) known.value += value;
        else
          all.set(id, {
            key: metric,
            attributes: attributesOf(metric, source.name, values),
            value,
          });
      }
    return all;
  }

  function retire(name: string, { metric, values, value }: Measurement): void {
    const id = `${metric}\u0000${name}\u0000${values.join('\u0000')}`;
    const kept = metrics[metric].kind === 'counter' ? value : 0;
    const known = retired.get(id);
    if (known) known.value += kept;
    else
      retired.set(id, { key: metric, attributes: attributesOf(metric, name, values), value: kept });
  }
}

/** A manager whose numbers cannot be read must not cost the others theirs. */
function measured(source: Source): readonly Measurement[] {
  try {
    return [...source.measure()];
  } catch {
    return [];
  }
}

function attributesOf(metric: MetricKey, name: string, values: readonly string[]): api.Attributes {
  const attributes: api.Attributes = { [attribute.name]: name };
  for (const [index, key] of metrics[metric].attributes.entries())
    attributes[key] = values[index] ?? '';
  return attributes;
}
