/** What the checks say to one breaker: that it is to open, or that the upstream works again. */

import type { Breaker } from '../breaker/breaker.ts';
import type { Permit } from '../breaker/permit.ts';
import { runOutside } from '../clock.ts';
import type { Emitter, FallbackEvents } from '../events.ts';
import type { Checked, Component } from './component.ts';

/** Unhealthy checks of a critical component in a row that trip the breaker. */
const unhealthyInARow = 3;

/** Checks the components that speak for a breaker. */
export class BreakerWatch {
  readonly breaker: Breaker;
  readonly #components: readonly Component[];
  /** Unhealthy checks in a row since the breaker closed, of each critical component. */
  readonly #unhealthy = new Map<Component, number>();
  #observing = false;

  constructor(breaker: Breaker, components: readonly Component[], events: Emitter<FallbackEvents>) {
    this.breaker = breaker;
    this.#components = components;
    events.on('activated', (outage) => {
      if (outage.breaker === breaker.name) this.#unhealthy.clear();
    });
    breaker.addProber('check', {
      wants: () => this.#applicable.some(({ proves }) => proves),
      probe: () => {
        const permit = breaker.admit('check');
        if (permit) runOutside(() => void this.#probe(permit));
      },
    });
  }

  /** Checks while the breaker is closed: so many unhealthy answers in a row trip it. */
  async observe(): Promise<void> {
    if (this.#observing || this.breaker.active) return;
    this.#observing = true;
    for (const one of await seen(this.#applicable)) {
      const before = this.#unhealthy.get(one.component) ?? 0;
      this.#unhealthy.set(one.component, isDown(one) ? before + 1 : 0);
    }
    this.#observing = false;
    const down = [...this.#unhealthy].find(([, inARow]) => inARow >= unhealthyInARow);
    if (down) this.breaker.trip(codeOf(down[0].checker.name));
  }

  /** Checks on demand: one unhealthy answer trips the breaker; half-open, it is a try. */
  async ask(): Promise<void> {
    const { breaker } = this;
    if (breaker.state.kind === 'closed') {
      const down = (await seen(this.#applicable)).find(isDown);
      if (down) breaker.trip(codeOf(down.component.checker.name));
      return;
    }
    const permit = breaker.admit('check');
    if (permit) await this.#probe(permit);
  }

  get #applicable(): readonly Component[] {
    return this.#components.filter(({ applies }) => applies);
  }

  /** Asks whether a half-open upstream works. */
  async #probe(permit: Permit): Promise<void> {
    const components = this.#applicable;
    for (const component of components) void component.check();
    try {
      // Those that are not critical are checked, too, but nobody waits for them.
      const results = await seen(components.filter(({ critical }) => critical));
      const down = results.find(isDown);
      if (down) permit.fail(codeOf(down.component.checker.name));
      else if (results.some(({ component, works }) => works && component.proves)) permit.succeed();
    } finally {
      permit.release();
    }
  }
}

interface Seen extends Checked {
  readonly component: Component;
}

function seen(components: readonly Component[]): Promise<readonly Seen[]> {
  return Promise.all(
    components.map(async (component) => ({ component, ...(await component.check()) })),
  );
}

/** Whether the upstream is down, as this component shows it. */
function isDown({ component, status }: Seen): boolean {
  return component.critical && status === 'unhealthy';
}

/** A check's name is the app's, and may be a text; a reason is a code. */
function codeOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64);
}
