/** Episodes: what a group remembers, word for word. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { entitiesOfEpisodes } from './entity.ts';
import { groupEntity } from './group.ts';
import { checkEpisodes } from './input.ts';
import { confirmRead } from './messages.ts';
import type { Episode } from './model.ts';
import type { Parts } from './parts.ts';
import { withPending } from './pending-episode.ts';
import { type ReadCall, readCall } from './read-call.ts';
import { type EpisodesQuery, requestEpisodes } from './requests.ts';

/** Reads the newest messages; `detailed` also tells where the answer came from. */
export type GetEpisodes = ReadCall<[groupId: string, lastN: number], readonly Episode[]>;

const getEpisodes = 'graphiti.get_episodes';

/** Declares `graphiti.get_episodes` on a manager. */
export function declareEpisodes(
  manager: FallbackManager,
  { transport, lastGroup }: Parts,
): GetEpisodes {
  const read = manager.read(getEpisodes, {
    run: async (query: EpisodesQuery, sent) => {
      const episodes = await requestEpisodes(transport, query, sent);
      confirmRead(manager, episodes);
      return episodes;
    },
    entities: ({ group_id }, episodes) => [groupEntity(group_id), ...entitiesOfEpisodes(episodes)],
    overlay: (episodes, pending, { last_n }) => withPending(episodes, pending, last_n),
    derived: {
      from: ({ group_id }) => groupEntity(group_id),
      make: ({ operation, asked, value }, { last_n }) =>
        operation === getEpisodes
          ? newest(value as readonly Episode[], (asked as EpisodesQuery).last_n, last_n)
          : undefined,
    },
  });

  return readCall(async (groupId, lastN, options) => {
    checkEpisodes(groupId, lastN);
    lastGroup.use(groupId);
    return read.detailed({ group_id: groupId, last_n: lastN }, options);
  });
}

/** The newest of those that were asked for; an answer that is shorter than that is all of the group. */
function newest(
  episodes: readonly Episode[],
  askedFor: number,
  lastN: number,
): readonly Episode[] | undefined {
  return lastN <= askedFor || episodes.length < askedFor ? episodes.slice(-lastN) : undefined;
}
