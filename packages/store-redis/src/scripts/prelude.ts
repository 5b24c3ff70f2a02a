/** What all scripts begin with: the names of the keys, and how lanes move between them. */

/** The keys that every script declares, in this order; lists of lanes follow. */
export const keyNames: readonly string[] = [
  'counters',
  'bodies',
  'progress',
  'items',
  'order',
  'heads',
  'ready',
  'waiting',
  'recovery',
  'held',
  'stopped',
  'sessions',
  'ended',
  'endings',
  'dead',
  'priorities',
];

/** No lane waits for longer, in ms: whatever is due later than that was noted by a clock that has been set back. */
const longestWait = 3_600_000;

/**
 * Kept by all scripts:
 *
 * - A lane that holds something is ready, waits for its time, is held or is stopped, and nothing else.
 * - Only the head of a lane is held, and only a settlement with the same session and fence ends that.
 * - The first write is one that Redis allows when its memory is full, so that a full store still drains.
 * - All is checked before anything is written: Lua has no rollback.
 *
 * What stands in `ready` is a hint, put there whenever a lane may have become ready: whoever takes one
 * sees whether it is still true. So nobody has to find one again to take it out.
 */
export const prelude: string = `
local C, B, M, I, O, L, R, W, U, H, P, S, D, E, X, PR = unpack(KEYS, 1, 16)
local lists = 16
local call = redis.call
local clock = call('TIME')
local us = clock[1] * 1000000 + clock[2]
local ms = math.floor(us / 1000)
local function int(n) return string.format('%.0f', n) end
local function itemOf(id)
  local item = call('HGET', I, id)
  if not item then return nil end
  return string.match(item, '^([^|]*)|([^|]*)|(%d+)$')
end
local function heldBy(lane)
  local held = call('HGET', H, lane)
  if not held then return nil end
  local session, fence, request, id = string.match(held, '^!?([^|]+)|(%d+)|(%d+)|(.*)$')
  return session, fence, id, request
end
local function progressOf(id)
  local stored = call('HGET', M, id)
  if not stored then return 0, '' end
  local n, text = string.match(stored, '^(%d+)|(.*)$')
  return tonumber(n), text
end
local urgentLanes
local function anyUrgent()
  urgentLanes = urgentLanes or call('HLEN', PR)
  return urgentLanes > 0
end
local function priorityOf(lane)
  return anyUrgent() and tonumber(call('HGET', PR, lane) or '0') or 0
end
local function ready(lane, op)
  if not op then
    local id = call('HGET', L, lane)
    if not id then return end
    op = select(2, itemOf(id))
  end
  local turn = call('HINCRBY', C, 'turn', 1)
  local priority = priorityOf(lane)
  call('ZADD', R, 0, op .. ':' .. string.format('%016.0f:%016.0f:', 5e14 - priority * 1000, turn) .. lane)
end
local longestWait = ${longestWait}
local function wait(lane, forMs, untilRecovery)
  call('ZADD', W, ms + math.min(forMs, longestWait), lane)
  if untilRecovery then call('SADD', U, lane) end
end
local function dueBetween(from, to)
  for _, lane in ipairs(call('ZRANGEBYSCORE', W, from, to, 'LIMIT', 0, 128)) do
    call('ZREM', W, lane)
    call('SREM', U, lane)
    ready(lane)
  end
end
local function due()
  dueBetween('-inf', ms)
  dueBetween('(' .. int(ms + longestWait), '+inf')
end
local function stop(lane, why)
  call('HSET', P, lane, why)
  call('HINCRBY', C, why, 1)
end
local function unstop(lane)
  local why = call('HGET', P, lane)
  if not why then return false end
  call('HDEL', P, lane)
  call('HINCRBY', C, why, -1)
  return true
end
local function isFree(lane)
  return call('HEXISTS', H, lane) == 0 and call('HEXISTS', P, lane) == 0 and not call('ZSCORE', W, lane)
end
local function nextHead(lane, head)
  if head then call('HSET', L, lane, head)
  else
    call('HDEL', L, lane)
    if anyUrgent() then call('HDEL', PR, lane) end
  end
  return head
end
local function record(lane, id)
  local interruptions, progress = progressOf(id)
  return { lane, id, call('HGET', B, id), progress, interruptions }
end
-- Whoever holds saves the last fence at the end.
local lastFence
local function saveFence()
  if lastFence then call('HSET', C, 'fence', int(lastFence)) end
end
local function hold(session, lane, id, request)
  lastFence = math.max((lastFence or tonumber(call('HGET', C, 'fence') or '0')) + 1, us)
  local fence = int(lastFence)
  call('HSET', H, lane, session .. '|' .. fence .. '|' .. request .. '|' .. id)
  local held = record(lane, id)
  held[#held + 1] = fence
  return held
end
local function forget(count, size)
  if count == 0 then return end
  call('HINCRBY', C, 'entries', -count)
  call('HINCRBY', C, 'bytes', -tonumber(size))
end
local function finish(id, ending)
  call('HDEL', B, id); call('HDEL', M, id); call('HDEL', I, id)
  if ending == '' then return end
  call('ZADD', D, ms, id)
  call('HSET', E, id, ending)
end
-- Gives those that had to make room.
local function bury(id, most)
  call('ZADD', X, ms, id)
  local dropped = {}
  local over = call('ZCARD', X) - most
  if over <= 0 then return dropped end
  for _, old in ipairs(call('ZRANGE', X, 0, over - 1)) do
    dropped[#dropped + 1] = record(itemOf(old), old)
    call('ZREM', X, old)
    call('HDEL', B, old); call('HDEL', M, old); call('HDEL', I, old)
  end
  return dropped
end
local function forgetEndings(most, age)
  local over = call('ZCARD', D) - most
  local old = call('ZRANGE', D, 0, math.max(1, math.min(63, over - 1)), 'WITHSCORES')
  for x = 1, #old, 2 do
    if over > 0 or tonumber(old[x + 1]) < ms - age then
      call('ZREM', D, old[x]); call('HDEL', E, old[x])
      over = over - 1
    end
  end
end
-- Whether the clock says more than it ought to: it was set forward, or what was asked took long to come here.
local function isAhead(expected, tolerance)
  return expected ~= '' and ms - tonumber(expected) > tonumber(tolerance)
end
-- Or it was taken out: nobody misses it any more.
local function isHeard(session) call('HDEL', C, 'missed:' .. session) end
-- Those who have been missed for so long, whoever missed them first.
local function missedFor(long, sessions)
  local over = {}
  for _, other in ipairs(sessions) do
    local since = long > 0 and call('HGET', C, 'missed:' .. other)
    if long == 0 or since and ms - tonumber(since) > long then over[#over + 1] = other
    elseif not since then
      isHeard(other)
      call('HSET', C, 'missed:' .. other, int(ms))
    end
  end
  return over
end
-- Ends in a lease from now, whatever was noted by a clock that has been set since.
local function beginAnew(from, to, lease)
  for _, other in ipairs(call('ZRANGEBYSCORE', S, from, to)) do
    isHeard(other)
    call('ZADD', S, ms + lease, other)
  end
end
local function isAlive(session)
  local expiry = call('ZSCORE', S, session)
  return expiry and tonumber(expiry) > ms
end
`;
