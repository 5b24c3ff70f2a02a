/** Episodes: what a group remembers, word for word. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { isEpisodes } from './answer.ts';
import { entitiesOfEpisodes } from './entity.ts';
import { groupEntity } from './group.ts';
import { checkEpisodes } from './input.ts';
import type { Episode } from './model.ts';
import type { Parts } from './parts.ts';
import { type ReadCall, readCall } from './read-call.ts';

/** Reads the newest messages; `detailed` also tells where the answer came from. */
export type GetEpisodes = ReadCall<[groupId: string, lastN: number], readonly Episode[]>;

interface EpisodesQuery {
  readonly group_id: string;
  readonly last_n: number;
}

/** Declares `graphiti.get_episodes` on a manager. */
export function declareEpisodes(
  manager: FallbackManager,
  { transport, lastGroup }: Parts,
): GetEpisodes {
  const read = manager.read('graphiti.get_episodes', {
    run: ({ group_id, last_n }: EpisodesQuery, { signal }) => {
      const path = `/episodes/${encodeURIComponent(group_id)}?last_n=${last_n}`;
      return transport({ method: 'GET', path, signal, accepts: isEpisodes });
    },
    entities: ({ group_id }, episodes) => [groupEntity(group_id), ...entitiesOfEpisodes(episodes)],
  });

  return readCall(async (groupId, lastN, options) => {
    checkEpisodes(groupId, lastN);
    lastGroup.use(groupId);
    return read.detailed({ group_id: groupId, last_n: lastN }, options);
  });
}
