/** Scripts that only look. */

import { prelude } from './prelude.ts';

/** Numbers of the whole queue. */
export const counts: string = `${prelude}
local c = call('HMGET', C, 'entries', 'bytes', 'blocked', 'parked')
local oldest = call('ZRANGE', O, 0, 0, 'WITHSCORES')
return { c[1] or '0', c[2] or '0', call('HLEN', L), call('HLEN', H), c[3] or '0', c[4] or '0', call('ZCARD', X), call('ZCOUNT', W, '(' .. int(ms), '+inf'), oldest[2] or '' }
`;

/**
 * A page of what is still to be applied, oldest first, or of dead ones. It begins behind an operation, not
 * behind so many: others leave while somebody reads.
 *
 * ARGV: 'queued' | 'dead', the score and the id of the last one before it, or two empty texts; how many.
 * Returns the score of the last one in it, then ids.
 */
export const list: string = `${prelude}
local set, score, last, limit = ARGV[1] == 'dead' and X or O, ARGV[2], ARGV[3], tonumber(ARGV[4])
local from = 0
if score ~= '' then
  from = call('ZCOUNT', set, '-inf', '(' .. score)
  for _, id in ipairs(call('ZRANGEBYSCORE', set, score, score)) do
    if id > last then break end
    from = from + 1
  end
end
local found = call('ZRANGE', set, from, from + limit - 1, 'WITHSCORES')
local out = { found[#found] or '' }
for x = 1, #found, 2 do out[#out + 1] = found[x] end
return out
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
