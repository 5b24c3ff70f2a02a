/** All dashboards. */

import type { Board } from './board.ts';
import { breakers } from './dashboards/breakers.ts';
import { overview } from './dashboards/overview.ts';
import { queue } from './dashboards/queue.ts';
import { store } from './dashboards/store.ts';

/** By the name of their files. */
export const boards: Readonly<Record<string, Board>> = { overview, breakers, queue, store };
