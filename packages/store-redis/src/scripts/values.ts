/** Scripts of what instances share beside the queue: cached answers, and what became of their entities. */

/** The keys that each of them declares, in this order; those of answers follow. */
export const valueKeyNames: readonly string[] = [
  'clock',
  'removed',
  'expired',
  'forgotten',
  'moments',
];

/** Entities are remembered up to so many of each kind of happening. */
const mostRemembered = 100_000;
/** A read may be under way for so long after its answer was taken away, in ms. */
const goneFor = 3_600_000;
/** News come in parts of so many. */
const newsAtOnce = 1_000;
/** Moments are remembered by which a server is known to have lost some: the last ones. */
const mostMoments = 10_000;
/** What was not asked for for so long is forgotten, in ms: a manager may have another name by then. */
const keptFor = 30 * 86_400_000;

/**
 * Kept by all of them: `last` grows with each change, by the server's clock, but never back. What a value
 * knew when its read began is compared with when something happened to its entities. What is not
 * remembered one by one any more happened before `removedFloor`, or `expiredFloor`: what knew less than
 * that is taken for gone, or stale. Where a server has thrown away part of this, or goes on with an older
 * copy, in which a moment is missing that somebody knows, a new era begins, and what is of another one is
 * not there.
 *
 * ARGV[1] is the name of the next era, should it begin now; ARGV[2] and [3] are the era and the moment that
 * the caller was told of last.
 */
const prelude: string = `
local K, RM, EX, FG, MO = unpack(KEYS, 1, 5)
local answers, first = 5, 3
local call = redis.call
local clock = call('TIME')
local us = clock[1] * 1000000 + clock[2]
local function int(n) return string.format('%.0f', n) end
local state = call('HMGET', K, 'era', 'last', 'removedFloor', 'expiredFloor', 'removed', 'expired', 'forgotten', 'forgottenFloor')
local era, last, removedFloor, expiredFloor = state[1], tonumber(state[2] or '0'), tonumber(state[3] or '0'), tonumber(state[4] or '0')
local function isLost(noted, key) return noted and call('EXISTS', key) == 0 end
local function isOlder()
  if ARGV[2] ~= era then return false end
  local known = tonumber(ARGV[3])
  if known > last then return true end
  if call('ZSCORE', MO, int(known)) then return false end
  local oldest = call('ZRANGE', MO, 0, 0)[1]
  return not oldest or known > tonumber(oldest)
end
if not era or isLost(state[5], RM) or isLost(state[6], EX) or isLost(state[7], FG) or isOlder() then
  call('DEL', K, RM, EX, FG, MO)
  era, last, removedFloor, expiredFloor, state[8] = ARGV[1], us, 0, 0, '0'
  call('HSET', K, 'era', era, 'last', int(last))
  call('ZADD', MO, int(last), int(last))
end
local function stamp()
  last = math.max(us, last + 1)
  call('HSET', K, 'last', int(last))
  call('ZADD', MO, int(last), int(last))
  return last
end
-- How much is left of what was known at a moment: nothing (nil), or when it became stale (0 where it did not).
local function staleSince(knownEra, known, entities)
  if knownEra ~= era or known < removedFloor then return nil end
  local since = known < expiredFloor and expiredFloor or 0
  for _, entity in ipairs(entities) do
    local removed = call('ZSCORE', RM, entity)
    if removed and tonumber(removed) > known then return nil end
    local expired = call('ZSCORE', EX, entity)
    if expired and tonumber(expired) > known then since = math.max(since, tonumber(expired)) end
  end
  return since
end
`;

/**
 * ARGV[4] and [5]: era and moment from which on is told. Returns { era, until, last, floors that are later
 * than that moment or '', removed, expired, forgotten }, these three as name, moment, name, moment…
 */
export const news: string = `${prelude}
-- Heard of by all of them every second, so that what nobody hears any more is gone one day.
for x = 1, answers do
  local left = call('PTTL', KEYS[x])
  if left == -1 or left >= 0 and left < ${keptFor / 2} then call('PEXPIRE', KEYS[x], ${keptFor}) end
end
local since = ARGV[first + 1] == era and tonumber(ARGV[first + 2]) or 0
local upTo = last
local function after(key)
  local found = call('ZRANGEBYSCORE', key, '(' .. int(since), '+inf', 'WITHSCORES', 'LIMIT', 0, ${newsAtOnce})
  if #found == ${2 * newsAtOnce} then upTo = math.min(upTo, tonumber(found[#found])) end
  for x = 2, #found, 2 do found[x] = int(tonumber(found[x])) end
  return found
end
local removed, expired, forgotten = after(RM), after(EX), after(FG)
-- An answer that was forgotten tells that itself; only who keeps one must hear of it.
local floor = math.max(removedFloor, tonumber(state[8] or '0'))
return { era, int(upTo), int(last), since < floor and int(floor) or '', since < expiredFloor and int(expiredFloor) or '', removed, expired, forgotten }
`;

/**
 * KEYS[6]: the answer. Returns { 'answer', body, entities, age, fresh for, servable for,
 * era, moment } | { 'gone', era, moment } | { 'nothing' }; times in ms.
 */
export const findValue: string = `${prelude}
local found = call('HMGET', KEYS[answers + 1], 'era', 'since', 'at', 'ttl', 'stale', 'entities', 'body')
if not found[1] then return { 'nothing' } end
if not found[7] then
  if found[1] ~= era then return { 'nothing' } end
  return { 'gone', found[1], found[2] }
end
local stale = staleSince(found[1], tonumber(found[2]), cjson.decode(found[6]))
if not stale then
  call('DEL', KEYS[answers + 1])
  return { 'nothing' }
end
local now, at = us / 1000, tonumber(found[3])
local freshUntil = at + tonumber(found[4])
if stale > 0 then freshUntil = math.min(freshUntil, math.max(at, stale / 1000)) end
local servableUntil = freshUntil + tonumber(found[5])
if servableUntil <= now then return { 'nothing' } end
return { 'answer', found[7], found[6], int(math.max(0, now - at)), int(freshUntil - now), int(servableUntil - now), found[1], found[2] }
`;

/**
 * ARGV[4..]: n, then n × (mark, era, moment, age, ttl, stale, entities, body). KEYS[6..]: the n answers.
 * Returns how many are kept.
 */
export const keepValues: string = `${prelude}
local kept = 0
-- What says that an answer was forgotten lies at its key, and may have been thrown away.
local forgottenFloor = tonumber(state[8] or '0')
for x = 1, tonumber(ARGV[first + 1]) do
  local a = first + 1 + (x - 1) * 8
  local key, mark, knownEra, known = KEYS[answers + x], ARGV[a+1], ARGV[a+2], tonumber(ARGV[a+3])
  local before = call('HMGET', key, 'era', 'since')
  local isLate = before[1] == era and tonumber(before[2]) > known
  local forgotten = math.max(forgottenFloor, tonumber(call('ZSCORE', FG, mark) or '0'))
  if not isLate and known >= forgotten and staleSince(knownEra, known, cjson.decode(ARGV[a+7])) then
    local lasts = tonumber(ARGV[a+5]) + tonumber(ARGV[a+6]) - tonumber(ARGV[a+4])
    if lasts >= 1 then
      call('HSET', key, 'era', era, 'since', int(known), 'at', int(us / 1000 - tonumber(ARGV[a+4])), 'ttl', ARGV[a+5], 'stale', ARGV[a+6], 'entities', ARGV[a+7], 'body', ARGV[a+8])
      call('PEXPIRE', key, int(lasts))
      kept = kept + 1
    end
  end
end
return kept
`;

/**
 * ARGV[4..]: n, then n × (kind, name). KEYS[6..]: n keys, of the answer where the kind is 'forget'.
 * Returns { era, last, moments… }.
 */
export const changeValues: string = `${prelude}
call('HDEL', K, '_')
local out = {}
-- Of happenings the oldest are forgotten; the moment up to which that is so is kept.
local function bound(key, floor)
  local over = call('ZCARD', key) - ${mostRemembered}
  if over < 1 then return nil end
  local gone = call('ZPOPMIN', key, over)
  call('HSET', K, floor, int(tonumber(gone[#gone])))
end
for x = 1, tonumber(ARGV[first + 1]) do
  local kind, name = ARGV[first + 2 * x], ARGV[first + 2 * x + 1]
  local at = int(stamp())
  if kind == 'expire' then
    call('ZADD', EX, at, name)
    call('HSET', K, 'expired', '1')
  elseif kind == 'remove' then
    call('ZADD', RM, at, name)
    call('HSET', K, 'removed', '1')
  elseif kind == 'clear' then
    call('HSET', K, 'removedFloor', at)
  else
    local key = KEYS[answers + x]
    call('HDEL', key, 'body', 'entities', 'at', 'ttl', 'stale')
    call('HSET', key, 'era', era, 'since', at)
    call('PEXPIRE', key, ${goneFor})
    call('ZADD', FG, at, name)
    call('HSET', K, 'forgotten', '1')
  end
  out[x] = at
end
bound(RM, 'removedFloor')
bound(EX, 'expiredFloor')
bound(FG, 'forgottenFloor')
call('ZREMRANGEBYRANK', MO, 0, -${mostMoments + 1})
return { era, int(last), unpack(out) }
`;
