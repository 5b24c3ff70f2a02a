import { prelude } from './prelude.ts';

/**
 * Keeps groups of operations, each whole or not at all.
 *
 * ARGV: most entries, most bytes, session, request, n, then n × (group, id, lane, operation, priority,
 * bytes, body, progress, delay, hold). KEYS[17..]: the n lists of the lanes.
 * Returns n × { 'queued', claim? } | { 'duplicate', claim? } | { 'full', limit }.
 */
export const append: string = `${prelude}
local entries, bytes = tonumber(call('HGET', C, 'entries') or '0'), tonumber(call('HGET', C, 'bytes') or '0')
local maxEntries, maxBytes, session, request, n = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5])
local alive = session ~= '' and isAlive(session)
local function at(x, field) return ARGV[5 + (x - 1) * 10 + field] end
local function isKnown(id) return call('HEXISTS', I, id) == 1 or call('HEXISTS', E, id) == 1 end
local out, fresh, full = {}, {}, {}
local x = 1
while x <= n do
  local first, count, size = x, 0, 0
  while x <= n and at(x, 1) == at(first, 1) do
    if fresh[at(x, 2)] or isKnown(at(x, 2)) then out[x] = { 'duplicate' }
    else fresh[at(x, 2)] = true; count = count + 1; size = size + tonumber(at(x, 6)) end
    x = x + 1
  end
  local limit = (count > 0 and entries + count > maxEntries and 'entries') or (count > 0 and bytes + size > maxBytes and 'bytes')
  if limit then
    for y = first, x - 1 do if not out[y] then out[y] = { 'full', limit }; fresh[at(y, 2)] = nil end end
  else entries, bytes = entries + count, bytes + size end
end
for y = 1, n do
  if out[y] and out[y][1] == 'duplicate' and at(y, 10) == '1' and alive then
    local owner, fence, heldId = heldBy(at(y, 3))
    if owner == session and heldId == at(y, 2) then
      out[y][2] = record(at(y, 3), heldId)
      out[y][2][6] = fence
    end
  end
  if not out[y] then
    local id, lane, op, priority, size, body, progress, delay, mine = at(y, 2), at(y, 3), at(y, 4), tonumber(at(y, 5)), at(y, 6), at(y, 7), at(y, 8), tonumber(at(y, 9)), at(y, 10)
    call('HSET', B, id, body)
    call('HSET', I, id, lane .. '|' .. op .. '|' .. size)
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
      if mine == '1' and alive then out[y][2] = hold(session, lane, id, request)
      elseif delay > 0 then wait(lane, delay, false)
      else ready(lane, op) end
    elseif urgent and isFree(lane) then ready(lane) end
  end
end
call('HSET', C, 'entries', int(entries), 'bytes', int(bytes))
saveFence()
return out
`;
