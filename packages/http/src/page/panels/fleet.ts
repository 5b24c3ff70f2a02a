/** All instances together, where they share a view. */

import { count, lasting } from '../figures.ts';
import { facts, panel, pill } from '../panel.ts';
import type { Instance } from '../view.ts';

/** The panel; none where there is one instance. */
export function fleetPanel({ status }: Instance): HTMLElement | undefined {
  const { fleet } = status;
  if (!fleet) return undefined;
  const { connected, instances, leader, outages, pace } = fleet;
  const names = Object.keys(outages);
  const tries = names.filter((name) => outages[name]?.prober);
  return panel(
    'fleet',
    'Fleet',
    {
      aside: connected
        ? pill(names.length > 0 ? 'open' : 'closed', names.length > 0 ? 'one outage' : 'connected')
        : pill('open', 'on its own'),
    },
    facts(
      ['instances', count(instances)],
      ['tells of the shared queue', leader ? 'this instance' : 'another one'],
      names.length > 0 ? ['everybody’s outage', names.join(', ')] : undefined,
      names.length > 0
        ? ['tries the upstream', tries.length > 0 ? 'this instance' : 'another one']
        : undefined,
      ['asked for patience', `${count(pace.throttles)} times`],
      pace.pausedForMs > 0 ? ['all pause for', lasting(pace.pausedForMs)] : undefined,
    ),
  );
}
