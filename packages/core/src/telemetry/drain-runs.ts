/** Drain runs: replays behind one breaker that follow each other closely are one trace, of a hundred operations at most. */

import * as api from '@opentelemetry/api';
import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import { attribute, spanName } from './contract.ts';
import type { OutageTrace } from './outage-trace.ts';
import { isSampled, startRoot, type Tracer } from './tracer.ts';

interface Run {
  readonly span: api.Span;
  readonly startedAt: number;
  readonly breaker: string;
  /** Takes back its end, which comes when nothing follows. */
  cancel: Undo;
  over: boolean;
  begun: number;
  open: number;
  replayed: number;
  failed: number;
  lastEnd: number;
}

/** Operations of one run: a span takes at most 128 links, and a trace had better be read whole. */
const mostOperations = 100;
/** A run is over when nothing followed for this time, or after the longest, in ms. */
const idle = 1_000;
const longest = 10_000;

/** Groups replays into runs. Its spans stay open for seconds at most. */
export class DrainRuns {
  readonly #name: string;
  readonly #tracer: Tracer;
  readonly #outages: OutageTrace;
  readonly #clock: Clock;
  readonly #keep: boolean;
  /** By breaker: each belongs to an outage of its own. */
  readonly #runs = new Map<string, Run>();

  constructor(name: string, tracer: Tracer, outages: OutageTrace, clock: Clock, keep: boolean) {
    this.#name = name;
    this.#tracer = tracer;
    this.#outages = outages;
    this.#clock = clock;
    this.#keep = keep;
  }

  /** Runs a replay below the run of now; `counted` is to be told its result. */
  async within(
    breaker: string,
    replay: (counted: (result: string) => void) => Promise<void>,
  ): Promise<void> {
    const run = this.#current(breaker);
    run.begun += 1;
    run.open += 1;
    const context = api.trace.setSpan(api.ROOT_CONTEXT, run.span);
    const counted = (result: string) => {
      if (result === 'done') run.replayed += 1;
      else if (result !== 'released') run.failed += 1;
    };
    try {
      await api.context.with(context, () => replay(counted));
    } finally {
      run.open -= 1;
      run.lastEnd = this.#tracer.now();
      if (run.open === 0) this.#rest(run);
    }
  }

  close(): void {
    for (const run of this.#runs.values()) this.#end(run);
  }

  #current(breaker: string): Run {
    const now = this.#tracer.now();
    const run = this.#runs.get(breaker);
    run?.cancel();
    if (run && run.begun < mostOperations && now - run.startedAt < longest) return run;
    if (run?.open === 0) this.#end(run);
    const activation = this.#outages.lastOf(breaker);
    const keep = this.#keep && activation !== undefined && isSampled(activation);
    const options = { startTime: now, links: activation ? [{ context: activation }] : [] };
    const span = startRoot(this.#tracer, `${spanName.drain} ${this.#name}`, options, keep);
    const counts = { begun: 0, open: 0, replayed: 0, failed: 0 };
    const begun = {
      span,
      startedAt: now,
      breaker,
      cancel() {},
      over: false,
      ...counts,
      lastEnd: now,
    };
    this.#runs.set(breaker, begun);
    return begun;
  }

  /** Nothing is being replayed: the run waits a little for what follows. */
  #rest(run: Run): void {
    if (run !== this.#runs.get(run.breaker)) this.#end(run);
    else run.cancel = this.#clock.after(idle, () => this.#end(run));
  }

  #end(run: Run): void {
    // What still runs at close ends after its run.
    if (run.over) return;
    run.over = true;
    run.cancel();
    if (this.#runs.get(run.breaker) === run) this.#runs.delete(run.breaker);
    this.#tracer.finish(run.span, {
      attributes: {
        [attribute.queueName]: this.#name,
        [attribute.drainReplayed]: run.replayed,
        [attribute.drainFailed]: run.failed,
      },
      endedAt: Math.max(run.lastEnd, run.startedAt + 0.002),
    });
  }
}
