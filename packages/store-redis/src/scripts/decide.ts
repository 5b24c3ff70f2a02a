import { prelude } from './prelude.ts';

/**
 * What a person decides on one operation. ARGV: id, lane, 'retry' | 'skip' | 'remove', progress, ending,
 * most dead. KEYS[17]: the list of its lane. Returns { 1 where it was done, else 0, dead ones that made room… }.
 */
export const decide: string = `${prelude}
local id, lane, decision, progress, ending, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local list = KEYS[lists + 1]
local out = { 1 }
local _, _, size = itemOf(id)
if not size then return { 0 } end
local _, _, heldId = heldBy(lane)
if heldId == id then return { 0 } end
local isDead = call('ZSCORE', X, id)
local isHead = call('HGET', L, lane) == id
local isStopped = isHead and call('HEXISTS', P, lane) == 1
if decision == 'retry' then
  if isDead then
    call('ZREM', X, id)
    call('HSET', M, id, '0|' .. progress)
    call('ZADD', O, ms, id)
    call('HINCRBY', C, 'entries', 1)
    call('HINCRBY', C, 'bytes', size)
    if call('RPUSH', list, id) == 1 then
      call('HSET', L, lane, id)
      ready(lane)
    end
    return out
  end
  if not isStopped then return { 0 } end
  unstop(lane)
  call('HSET', M, id, '0|' .. progress)
  ready(lane)
  return out
end
if isDead then
  if decision == 'skip' then return { 0 } end
  call('ZREM', X, id)
  finish(id, ending)
  return out
end
call('LREM', list, 1, id)
call('ZREM', O, id)
forget(1, size)
if decision == 'skip' then
  local interruptions = progressOf(id)
  call('HSET', M, id, int(interruptions) .. '|' .. progress)
  for _, dropped in ipairs(bury(id, most)) do out[#out + 1] = dropped end
else finish(id, ending) end
if isHead then
  unstop(lane)
  call('ZREM', W, lane)
  call('SREM', U, lane)
  if nextHead(lane, call('LINDEX', list, 0)) then ready(lane) end
end
return out
`;
