import { prelude } from './prelude.ts';

/**
 * Ends claims, each only where session, fence and id are those that hold its lane.
 *
 * ARGV: session, endings kept, their age, most dead, request, next operations ('|a|b|'), n, then
 * n × (lane, fence, id, kind, delay, until recovery, progress, ending, next). KEYS[17..]: the n lists.
 * Returns n × { 'ok', claim | nothing, dead ones that made room } | { 'lost' }.
 */
export const settle: string = `${prelude}
local session, most, age, mostDead, request, operations, n = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], ARGV[6], tonumber(ARGV[7])
local alive = isAlive(session)
local out = {}
local ended, endedBytes = 0, 0
local function goOn(x, lane, head, chain)
  if not nextHead(lane, head) then return end
  local _, op = itemOf(head)
  if chain and alive and string.find(operations, '|' .. op .. '|', 1, true) then
    out[x][2] = hold(session, lane, head, request)
  else ready(lane, op) end
end
for x = 1, n do
  local a = 7 + (x - 1) * 9
  local lane, fence, id, kind, delay, recovery, progress, ending, chain = ARGV[a+1], ARGV[a+2], ARGV[a+3], ARGV[a+4], ARGV[a+5], ARGV[a+6], ARGV[a+7], ARGV[a+8], ARGV[a+9]
  local list = KEYS[lists + x]
  local owner, heldFence, heldId = heldBy(lane)
  if owner ~= session or heldFence ~= fence or heldId ~= id then out[x] = { 'lost' }
  else
    call('HDEL', H, lane)
    out[x] = { 'ok', false, {} }
    local head = call('LRANGE', list, 0, 1)
    local interruptions = kind == 'done' and 0 or progressOf(id)
    if head[1] ~= id then stop(lane, 'parked'); out[x] = { 'lost' }
    elseif kind == 'done' or kind == 'dead' then
      call('LPOP', list)
      call('ZREM', O, id)
      local _, _, size = itemOf(id)
      ended, endedBytes = ended + 1, endedBytes + tonumber(size or 0)
      if kind == 'done' then finish(id, ending)
      else
        call('HSET', M, id, int(interruptions) .. '|' .. progress)
        out[x][3] = bury(id, mostDead)
      end
      goOn(x, lane, head[2], chain == '1')
    elseif kind == 'retry' then
      call('HSET', M, id, int(interruptions) .. '|' .. progress)
      wait(lane, tonumber(delay), recovery == '1')
    elseif kind == 'blocked' or kind == 'parked' then
      call('HSET', M, id, int(interruptions) .. '|' .. progress)
      stop(lane, kind)
    else ready(lane) end
  end
end
forget(ended, endedBytes)
saveFence()
forgetEndings(most, age)
return out
`;

/**
 * Marks what is about to be sent: it is a suspect if its session ends before it does.
 *
 * ARGV: session, lane, fence, id, progress. Returns 1 where that was the claim that holds the lane.
 */
export const note: string = `${prelude}
local owner, fence, id, request = heldBy(ARGV[2])
if owner ~= ARGV[1] or fence ~= ARGV[3] or id ~= ARGV[4] then return 0 end
local interruptions = progressOf(id)
call('HDEL', C, '_')
call('HSET', H, ARGV[2], '!' .. owner .. '|' .. fence .. '|' .. request .. '|' .. id)
call('HSET', M, id, int(interruptions) .. '|' .. ARGV[5])
return 1
`;

/** ARGV: operations. Ends waits of their lanes that were for the upstream's recovery. */
export const recover: string = `${prelude}
local wanted = {}
for _, op in ipairs(ARGV) do wanted[op] = true end
for _, lane in ipairs(call('SMEMBERS', U)) do
  local id = call('HGET', L, lane)
  local _, op
  if id then _, op = itemOf(id) end
  if not op or wanted[op] then
    call('SREM', U, lane)
    if call('ZREM', W, lane) == 1 then ready(lane) end
  end
end
return 1
`;
