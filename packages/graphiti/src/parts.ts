/** What Graphiti's calls are made of, besides their manager. */

import type { ConfirmOptions } from './confirm-options.ts';
import type { LastGroup } from './group.ts';
import type { LastSearch } from './last-search.ts';
import type { Transport } from './transport.ts';

/** The way to Graphiti, and what is known of it. */
export interface Parts {
  readonly transport: Transport;
  readonly lastGroup: LastGroup;
  readonly lastSearch: LastSearch;
  readonly messageTimeoutMs: number;
  readonly reconcileFor: number | undefined;
  /** How messages are confirmed, if they are. */
  readonly confirm: ConfirmOptions | undefined;
}
