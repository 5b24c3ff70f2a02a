import { prelude } from './prelude.ts';

/**
 * Keeps groups of operations, each whole or not at all.
 *
 * ARGV: most entries, most bytes, session, request, JSON of [[group, id, lane, operation, priority, bytes,
 * progress, delay, hold], …], and all bodies in one: hundreds of arguments would cost more than their
 * contents. KEYS[17..]: the lists of the lanes, one for each.
 * Returns n × { 'queued', claim? } | { 'duplicate', claim? } | { 'full', limit }.
 */
export const append: string = `${prelude}
local entries, bytes = tonumber(call('HGET', C, 'entries') or '0'), tonumber(call('HGET', C, 'bytes') or '0')
local maxEntries, maxBytes, session, request = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local items, bodies, body = cjson.decode(ARGV[5]), ARGV[6], 1
local n = #items
local alive = session ~= '' and isAlive(session)
local function isKnown(id) return call('HEXISTS', I, id) == 1 or call('HEXISTS', E, id) == 1 end
local out, fresh, full = {}, {}, {}
local x = 1
while x <= n do
  local first, count, size = x, 0, 0
  while x <= n and items[x][1] == items[first][1] do
    local id = items[x][2]
    if fresh[id] or isKnown(id) then out[x] = { 'duplicate' }
    else fresh[id] = true; count = count + 1; size = size + items[x][6] end
    x = x + 1
  end
  local limit = (count > 0 and entries + count > maxEntries and 'entries') or (count > 0 and bytes + size > maxBytes and 'bytes')
  if limit then
    for y = first, x - 1 do if not out[y] then out[y] = { 'full', limit }; fresh[items[y][2]] = nil end end
  else entries, bytes = entries + count, bytes + size end
end
for y = 1, n do
  local _, id, lane, op, priority, size, progress, delay, mine = unpack(items[y])
  if out[y] and out[y][1] == 'duplicate' and mine == 1 and alive then
    local owner, fence, heldId = heldBy(lane)
    if owner == session and heldId == id then
      out[y][2] = record(lane, id)
      out[y][2][6] = fence
    end
  end
  if not out[y] then
    call('HSET', B, id, string.sub(bodies, body, body + size - 1))
    call('HSET', I, id, lane .. '|' .. op .. '|' .. int(size))
    if progress ~= '' then call('HSET', M, id, '0|' .. progress) end
    call('ZADD', O, ms, id)
    out[y] = { 'queued' }
    local isHead = call('RPUSH', KEYS[lists + y], id) == 1
    local urgent = isHead and priority ~= 0 or priority > priorityOf(lane)
    if urgent then
      call('HSET', PR, lane, tostring(priority))
      urgentLanes = nil
    end
    if isHead then
      call('HSET', L, lane, id)
      if mine == 1 and alive then out[y][2] = hold(session, lane, id, request)
      elseif delay > 0 then wait(lane, delay, false)
      else ready(lane, op) end
    elseif urgent and isFree(lane) then ready(lane) end
  end
  body = body + size
end
call('HSET', C, 'entries', int(entries), 'bytes', int(bytes))
saveFence()
return out
`;
