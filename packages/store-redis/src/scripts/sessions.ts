import { prelude } from './prelude.ts';

/** ARGV: session, lease. Begins a session. */
export const join: string = `${prelude}
call('HDEL', C, '_')
call('ZADD', S, ms + tonumber(ARGV[2]), ARGV[1])
return 1
`;

/**
 * Extends a session. An answer can get lost: a lane that is held by a request up to the last one whose
 * answer was heard or given up, with a fence that the holder does not know, is given back here, or it
 * would be held for as long as the session lives.
 *
 * ARGV: session, lease, that request, then the fence of every claim that the holder knows.
 * Returns how many sessions live, 0 when this one does not.
 */
export const renew: string = `${prelude}
local session = ARGV[1]
if not isAlive(session) then return 0 end
call('HDEL', C, '_')
call('ZADD', S, 'XX', ms + tonumber(ARGV[2]), session)
local known = {}
for x = 4, #ARGV do known[ARGV[x]] = true end
for _, lane in ipairs(call('HKEYS', H)) do
  local owner, fence, _, request = heldBy(lane)
  if owner == session and tonumber(request) <= tonumber(ARGV[3]) and not known[fence] then
    call('HDEL', H, lane)
    ready(lane)
  end
end
return call('ZCOUNT', S, ms, '+inf')
`;

/** ARGV: session. Gives all back at once. */
export const leave: string = `${prelude}
call('ZREM', S, ARGV[1])
for _, lane in ipairs(call('HKEYS', H)) do
  if heldBy(lane) == ARGV[1] then
    call('HDEL', H, lane)
    ready(lane)
  end
end
return 1
`;

/** ARGV: session, lease. KEYS[1]: a part that one has at a time. Returns 1 for the one that has it. */
export const lead: string = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;
