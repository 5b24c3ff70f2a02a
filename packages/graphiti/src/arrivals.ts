/** Whether messages have arrived: looked for in a group's episodes. */

import type { AcceptedWrite, CallContext } from '@graphiti-fallback/core';
import { acceptedKeyOf, episodeKey, nameOf, type OutgoingMessage } from './message.ts';
import type { Episode } from './model.ts';
import { requestEpisodes } from './requests.ts';
import { microseconds } from './timestamp.ts';
import type { Transport } from './transport.ts';

/** Episodes that are read at first: what came from elsewhere meanwhile must find room beside ours. */
const atFirst = 100;
/** One answer is not made longer than this; what is dated before all of it is not found. */
const atMost = 10_000;

/** What a look showed. */
interface Arrivals {
  /** Ids of those that are there. */
  readonly seen: readonly string[];
  /** One that is not may stand further back: the next look of its group reads further. */
  readonly further: boolean;
}

/** Looks for messages of one group, with one request. */
export type LookForArrivals = (
  messages: readonly Pick<AcceptedWrite<OutgoingMessage>, 'id' | 'input'>[],
  context: CallContext,
) => Promise<Arrivals>;

/**
 * Creates the look. Graphiti gives the newest episodes by the time that they are dated: a message that the
 * caller dated long ago stands far from the end.
 */
export function createArrivals(transport: Transport): LookForArrivals {
  const reaches = new Map<string, number>();

  return async function lookForArrivals(messages, { signal }) {
    const group_id = messages[0]?.input.group_id ?? '';
    const last_n = Math.min(
      atMost,
      Math.max(reaches.get(group_id) ?? atFirst, 2 * messages.length),
    );
    const episodes = await requestEpisodes(transport, { group_id, last_n }, { signal });
    const isThere = finder(episodes);
    const missing = messages.filter(({ id, input }) => !isThere(input, id));
    const oldest = microseconds(episodes[0]?.valid_at ?? '');
    const isBefore = ({ input: { message, givenAt } }: (typeof messages)[number]) =>
      microseconds(message.timestamp ?? givenAt) < oldest;
    const further = episodes.length >= last_n && last_n < atMost && missing.some(isBefore);
    if (further) reaches.set(group_id, 4 * last_n);
    else reaches.delete(group_id);
    const absent = new Set(missing);
    return { seen: messages.filter((each) => !absent.has(each)).map(({ id }) => id), further };
  };
}

/** For nobody all episodes are gone through: they may be as many as the messages. */
function finder(episodes: readonly Episode[]) {
  const names = new Set(episodes.map(({ name }) => name));
  let keys: Set<string> | undefined;
  return (outgoing: OutgoingMessage, id: string): boolean => {
    const { name } = outgoing.message;
    if (!names.has(name ?? nameOf(id))) return false;
    if (name === undefined) return true;
    keys ??= new Set(episodes.map(episodeKey));
    return keys.has(acceptedKeyOf(outgoing));
  };
}
