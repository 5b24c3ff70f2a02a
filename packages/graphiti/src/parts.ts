/** What Graphiti's calls are made of, besides their manager. */

import type { LastGroup } from './group.ts';
import type { Transport } from './transport.ts';

/** The way to Graphiti, and what is known of it. */
export interface Parts {
  readonly transport: Transport;
  readonly lastGroup: LastGroup;
  readonly messageTimeoutMs: number;
  readonly reconcileFor: number | undefined;
}
