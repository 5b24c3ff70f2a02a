/** Scripts that only look. */

import { prelude } from './prelude.ts';

/** Numbers of the whole queue. */
export const counts: string = `${prelude}
local c = call('HMGET', C, 'entries', 'bytes', 'blocked', 'parked')
local oldest = call('ZRANGE', O, 0, 0, 'WITHSCORES')
return { c[1] or '0', c[2] or '0', call('HLEN', L), call('HLEN', H), c[3] or '0', c[4] or '0', call('ZCARD', X), call('ZCARD', W), oldest[2] or '' }
`;

/** ARGV: first, last. Ids of what is still to be applied, oldest first, then of dead ones. */
export const list: string = `${prelude}
local from, to = tonumber(ARGV[1]), tonumber(ARGV[2])
local queued = call('ZCARD', O)
local ids = from < queued and call('ZRANGE', O, from, to) or {}
if to >= queued then
  for _, id in ipairs(call('ZRANGE', X, math.max(0, from - queued), to - queued)) do ids[#ids + 1] = id end
end
return ids
`;

/** ARGV: ids. Returns { 'ended', ending } | { state, record… } | { 'unknown' } for each. */
export const find: string = `${prelude}
local out = {}
for x, id in ipairs(ARGV) do
  local lane = itemOf(id)
  local ending = not lane and call('HGET', E, id)
  if ending then out[x] = { 'ended', ending }
  elseif not lane then out[x] = { 'unknown' }
  else
    local state = 'ready'
    local _, _, heldId = heldBy(lane)
    if call('ZSCORE', X, id) then state = 'dead'
    elseif heldId == id then state = 'in_flight'
    elseif call('HGET', L, lane) == id and call('HEXISTS', P, lane) == 1 then state = 'stopped' end
    local found = record(lane, id)
    found[#found + 1] = state
    out[x] = found
  end
end
return out
`;

/** ARGV: ids. Returns those that are not to be applied any more. */
export const ended: string = `${prelude}
local out = {}
for _, id in ipairs(ARGV) do
  if call('HEXISTS', I, id) == 0 or call('ZSCORE', X, id) then out[#out + 1] = id end
end
return out
`;
