/** Episodes: what a group remembers, word for word. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { entitiesOfEpisodes } from './entity.ts';
import { groupEntity } from './group.ts';
import { checkEpisodes } from './input.ts';
import type { Episode } from './model.ts';
import type { Parts } from './parts.ts';
import { type ReadCall, readCall } from './read-call.ts';
import { type EpisodesQuery, requestEpisodes } from './requests.ts';

/** Reads the newest messages; `detailed` also tells where the answer came from. */
export type GetEpisodes = ReadCall<[groupId: string, lastN: number], readonly Episode[]>;

/** Declares `graphiti.get_episodes` on a manager. */
export function declareEpisodes(
  manager: FallbackManager,
  { transport, lastGroup }: Parts,
): GetEpisodes {
  const read = manager.read('graphiti.get_episodes', {
    run: (query: EpisodesQuery, sent) => requestEpisodes(transport, query, sent),
    entities: ({ group_id }, episodes) => [groupEntity(group_id), ...entitiesOfEpisodes(episodes)],
  });

  return readCall(async (groupId, lastN, options) => {
    checkEpisodes(groupId, lastN);
    lastGroup.use(groupId);
    return read.detailed({ group_id: groupId, last_n: lastN }, options);
  });
}
