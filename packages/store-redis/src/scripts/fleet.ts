/** Scripts of what instances find out together about their upstream. */

/** Who tries and says nothing for so long has lost its turn, in ms. */
const turn = 1_500;
/** Who waits for a call to try with leaves its turn to others who might have one after so long, in ms. */
const idleTurn = 10_000;
/** What was not asked for for so long is forgotten, in ms: a manager may have another name by then. */
const keptFor = 86_400_000;
/** Outages that are remembered to be over, in characters of their ids. */
const endedLength = 400;
/** So many must have found an outage for it to be everybody's, or all of fewer. */
const quorum = 2;

/**
 * KEYS: instances, then for each breaker its view, its witnesses and who tries. ARGV: instance, how long it
 * counts as present, in ms. The first write is one that a full memory allows.
 */
const prelude: string = `
local I = KEYS[1]
local me, presence = ARGV[1], tonumber(ARGV[2])
local call = redis.call
local clock = call('TIME')
local ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function int(n) return string.format('%.0f', n) end
-- The last one who speaks of it is outlasted by it for a while only.
local function outlast(key)
  local left = call('PTTL', key)
  if left == -1 or left >= 0 and left < ${keptFor / 2} then call('PEXPIRE', key, ${keptFor}) end
end
local function attend()
  call('ZREMRANGEBYSCORE', I, '-inf', int(ms))
  call('ZADD', I, int(ms + presence), me)
  outlast(I)
  return call('ZCARD', I)
end
local function forget(V, W, P)
  call('HDEL', V, 'phase', 'id', 'since', 'trigger', 'reason', 'trace', 'nextTry', 'idle', 'idleSince')
  call('DEL', W, P)
end
-- Counts the witnesses: none is left, and it is over, or never was; or enough are, and it is everybody's.
local function judge(V, W, P, instances)
  call('ZREMRANGEBYSCORE', W, '-inf', int(ms))
  local phase, id = unpack(call('HMGET', V, 'phase', 'id'))
  if not id then return end
  local witnesses = call('ZCARD', W)
  if witnesses == 0 then forget(V, W, P)
  elseif not phase and witnesses >= math.min(${quorum}, instances) then call('HSET', V, 'phase', 'open') end
end
local function outage(V)
  return call('HMGET', V, 'id', 'since', 'trigger', 'reason', 'trace')
end
`;

/**
 * ARGV[3..]: for each breaker its state and how long until it would try, in ms. Returns { instances, then
 * for each { phase, probes, throttles, paused for, outage, ids of those that are over } }.
 */
export const attend: string = `${prelude}
local instances = attend()
local out = { instances }
for x = 1, (#KEYS - 1) / 3 do
  local V, W, P = KEYS[3 * x - 1], KEYS[3 * x], KEYS[3 * x + 1]
  local state, retryIn = ARGV[2 * x + 1], tonumber(ARGV[2 * x + 2])
  if state == 'up' then call('ZREM', W, me) else call('ZADD', W, int(ms + presence), me) end
  judge(V, W, P, instances)
  outlast(V)
  outlast(W)
  local phase, nextTry, throttles, paused = unpack(call('HMGET', V, 'phase', 'nextTry', 'throttles', 'pausedUntil'))
  local probes = 0
  if phase then
    local owner = call('GET', P)
    local isFree = not owner or owner == me
    if owner == me and (state == 'down' or state == 'up') then
      -- It has tried in vain, or does not try any more: another one may, but not at once.
      call('DEL', P)
      call('HSET', V, 'nextTry', int(ms + retryIn))
    elseif isFree and (state == 'trying' or state == 'idle' or ms >= tonumber(nextTry or '0')) and state ~= 'down' and state ~= 'up' then
      probes = 1
    elseif owner and not isFree and (state == 'wanted' or state == 'due') then
      -- Whoever has a call to try with takes the turn of one that waits for one.
      local idle, since = unpack(call('HMGET', V, 'idle', 'idleSince'))
      if idle == owner and (state == 'wanted' or ms - tonumber(since) >= ${idleTurn}) then probes = 1 end
    end
    if probes == 1 then
      call('SET', P, me, 'PX', ${turn})
      if state ~= 'idle' then call('HDEL', V, 'idle', 'idleSince')
      elseif call('HGET', V, 'idle') ~= me then call('HSET', V, 'idle', me, 'idleSince', int(ms)) end
    end
  end
  local ended = call('HGET', V, 'ended') or ''
  out[x + 1] = { phase or '', probes, tonumber(throttles or '0'), int(math.max(0, tonumber(paused or '0') - ms)), outage(V), ended }
end
return out
`;

/** ARGV[3..]: id, trigger, reason, trace, how long it lasts, in ms. Returns the outage that is told of: that of the first who found one. */
export const report: string = `${prelude}
local V, W, P = KEYS[2], KEYS[3], KEYS[4]
local instances = attend()
call('ZREMRANGEBYSCORE', W, '-inf', int(ms))
local id = call('HGET', V, 'id')
-- Nobody is left of those who found one before, or had it.
if id and call('ZCARD', W) == 0 then id = nil end
if not id then
  forget(V, W, P)
  call('HSET', V, 'id', ARGV[3], 'since', int(ms - tonumber(ARGV[7])), 'trigger', ARGV[4], 'reason', ARGV[5], 'trace', ARGV[6])
end
call('ZADD', W, int(ms + presence), me)
judge(V, W, P, instances)
outlast(V)
outlast(W)
return outage(V)
`;

/** ARGV[3]: the outage. Returns 1 where it was not over yet. */
export const end: string = `${prelude}
local V = KEYS[2]
local id = call('HGET', V, 'id')
if id and id ~= ARGV[3] then return 0 end
-- Also where it is not known here any more: others may have it still.
forget(V, KEYS[3], KEYS[4])
local ended = call('HGET', V, 'ended') or ''
if not string.find(ended, ARGV[3], 1, true) then
  call('HSET', V, 'ended', string.sub(ARGV[3] .. ' ' .. ended, 1, ${endedLength}))
end
outlast(V)
return id and 1 or 0
`;

/** ARGV[3]: for how long, in ms. Returns how often the upstream has asked for patience. */
export const throttle: string = `${prelude}
local V = KEYS[2]
attend()
local paused = tonumber(call('HGET', V, 'pausedUntil') or '0')
call('HSET', V, 'pausedUntil', int(math.max(paused, ms + tonumber(ARGV[3]))))
outlast(V)
return call('HINCRBY', V, 'throttles', 1)
`;

/** Takes an instance out, and gives its turn to others. */
export const goodbye: string = `${prelude}
call('ZREM', I, me)
for x = 1, (#KEYS - 1) / 3 do
  local V, W, P = KEYS[3 * x - 1], KEYS[3 * x], KEYS[3 * x + 1]
  call('ZREM', W, me)
  if call('GET', P) == me then call('DEL', P) end
end
return 1
`;
