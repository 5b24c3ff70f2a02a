import { prelude } from './prelude.ts';

/** ARGV: session, lease. Begins a session. Returns what the clock says. */
export const join: string = `${prelude}
call('HDEL', C, '_')
call('ZADD', S, ms + tonumber(ARGV[2]), ARGV[1])
return int(ms)
`;

/**
 * Extends a session. An answer can get lost: a lane that is held by a request up to the last one whose
 * answer was heard or given up, with a fence that the holder does not know, is given back here, or it
 * would be held for as long as the session lives.
 *
 * ARGV: session, lease, that request, what the clock ought to say or nothing, by how much it may differ,
 * whether it was certainly set forward, then the fence of every claim that the holder knows. Where it was,
 * nobody's silence is known: each has a lease from now. Returns { what the clock says } or { the same,
 * 'ahead' } or { the same, 'lost' }; only the first has extended it.
 */
export const renew: string = `${prelude}
local session, lease = ARGV[1], tonumber(ARGV[2])
if ARGV[6] == '1' then beginAnew('-inf', ms + lease, lease)
elseif isAhead(ARGV[4], ARGV[5]) then return { int(ms), 'ahead' } end
if not isAlive(session) then return { int(ms), 'lost' } end
call('HDEL', C, '_')
call('ZADD', S, 'XX', ms + lease, session)
local known = {}
for x = 7, #ARGV do known[ARGV[x]] = true end
for _, lane in ipairs(call('HKEYS', H)) do
  local owner, fence, _, request = heldBy(lane)
  if owner == session and tonumber(request) <= tonumber(ARGV[3]) and not known[fence] then
    call('HDEL', H, lane)
    ready(lane)
  end
end
return { int(ms) }
`;

/** ARGV: session. Gives all back at once. */
export const leave: string = `${prelude}
call('ZREM', S, ARGV[1])
isHeard(ARGV[1])
for _, lane in ipairs(call('HKEYS', H)) do
  if heldBy(lane) == ARGV[1] then
    call('HDEL', H, lane)
    ready(lane)
  end
end
return 1
`;

/**
 * ARGV: session, lease. KEYS[1]: a part that one has at a time. Returns 1 for the one that has it. Somebody
 * has it also while no memory is left: the first write is a removal.
 */
export const lead: string = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;
