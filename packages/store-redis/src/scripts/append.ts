import { prelude } from './prelude.ts';

/** Nothing comes later than this, in ms: so long is remembered what a writer had no answer to. */
const latest = 3_600_000;

/**
 * Keeps groups of operations, each whole or not at all. What is the same for all is asked and written at
 * once: in a script each call costs more than what it does.
 *
 * ARGV: most entries, most bytes, session, request, 1 where all are new, the writer, how often it had no answer
 * before, JSON of [[group, id, item, bytes, …], …], and then the bodies. An item is lane|operation|bytes;
 * what follows is there where it is not 0, '', 0 and false: priority, progress, delay, hold. KEYS[17..]: the
 * lists of the lanes, one for each. What comes behind what its writer sent when it had given it up is late:
 * it was stored again meanwhile, or nobody counts on it, and none of it is kept.
 * Returns n × { 'queued', claim? } | { 'duplicate', claim? } | { 'full', limit }; 1 where all are
 * queued, and nothing more is to be said of any; { 'late' }.
 */
export const append: string = `${prelude}
local late = 'late:' .. ARGV[6]
local stored = call('HMGET', C, 'entries', 'bytes', late)
local entries, bytes = tonumber(stored[1] or '0'), tonumber(stored[2] or '0')
local maxEntries, maxBytes, session, request = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local unanswered, known = tonumber(ARGV[7]), tonumber(string.match(stored[3] or '0', '^%d+'))
if unanswered < known then return { 'late' } end
local areNew, given = ARGV[5] == '1', cjson.decode(ARGV[8])
local n, bodies = #given, 8
local alive = session ~= '' and isAlive(session)
-- Lua has room for so many arguments of a call, and for more; an even number.
local most = 2000
local ids = {}
for x = 1, n do ids[x] = given[x][2] end
local isKnown = {}
for from = 1, areNew and 0 or n, most do
  local to = math.min(from + most - 1, n)
  local waiting, ended = call('HMGET', I, unpack(ids, from, to)), call('HMGET', E, unpack(ids, from, to))
  for x = 1, to - from + 1 do if waiting[x] or ended[x] then isKnown[from + x - 1] = true end end
end
-- What is not simply queued.
local out, fresh = {}, {}
local x = 1
while x <= n do
  local first, group, count, size = x, given[x][1], 0, 0
  while x <= n and given[x][1] == group do
    local id = ids[x]
    if isKnown[x] or fresh[id] then out[x] = { 'duplicate' }
    else fresh[id] = true; count = count + 1; size = size + given[x][4] end
    x = x + 1
  end
  local limit = count > 0 and (entries + count > maxEntries and 'entries' or bytes + size > maxBytes and 'bytes')
  if limit then
    for y = first, x - 1 do if not out[y] then out[y] = { 'full', limit }; fresh[ids[y]] = nil end end
  else entries, bytes = entries + count, bytes + size end
end
local texts, items, order, now, at = {}, {}, {}, int(ms), 0
for y = 1, n do
  if not out[y] then
    local id = ids[y]
    texts[at + 1], items[at + 1], order[at + 1] = id, id, now
    texts[at + 2], items[at + 2], order[at + 2] = ARGV[bodies + y], given[y][3], id
    at = at + 2
  elseif out[y][1] == 'duplicate' and given[y][8] and alive then
    local id, lane = ids[y], string.match(given[y][3], '^[^|]*')
    local owner, fence, heldId = heldBy(lane)
    if owner == session and heldId == id then
      out[y][2] = record(lane, id)
      out[y][2][6] = fence
    end
  end
end
for from = 1, at, most do
  local to = math.min(from + most - 1, at)
  call('HSET', B, unpack(texts, from, to))
  call('HSET', I, unpack(items, from, to))
  call('ZADD', O, unpack(order, from, to))
end
if at > 0 then
  call('HSET', C, 'entries', int(entries), 'bytes', int(bytes))
  if unanswered > known then
    for _, field in ipairs(call('HKEYS', C)) do
      local since = string.match(field, '^late:') and string.match(call('HGET', C, field), '%d+$')
      if since and tonumber(since) < ms - ${latest} then call('HDEL', C, field) end
    end
    call('HSET', C, late, int(unanswered) .. '|' .. int(ms))
  end
end
local anyPriority = anyUrgent()
for y = 1, n do
  if not out[y] then
    local id, priority, progress = ids[y], given[y][5] or 0, given[y][6]
    if progress and progress ~= '' then call('HSET', M, id, '0|' .. progress) end
    local isHead = call('RPUSH', KEYS[lists + y], id) == 1
    if isHead or priority ~= 0 or anyPriority then
      local lane, op = string.match(given[y][3], '^([^|]*)|([^|]*)|')
      local urgent = isHead and priority ~= 0 or priority > priorityOf(lane)
      if urgent then
        call('HSET', PR, lane, tostring(priority))
        urgentLanes, anyPriority = nil, true
      end
      if isHead then
        call('HSET', L, lane, id)
        if given[y][8] and alive then out[y] = { 'queued', hold(session, lane, id, request) }
        elseif (given[y][7] or 0) > 0 then wait(lane, given[y][7], false)
        else ready(lane, op) end
      elseif urgent and isFree(lane) then ready(lane) end
    end
  end
end
saveFence()
if not next(out) then return 1 end
local answers = {}
for y = 1, n do answers[y] = out[y] or { 'queued' } end
return answers
`;
