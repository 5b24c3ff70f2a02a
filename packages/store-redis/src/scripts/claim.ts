import { prelude } from './prelude.ts';

/**
 * Takes heads of free lanes for a session, after giving back what expired sessions held.
 *
 * ARGV: session, max, most interruptions, request, lease, what the clock ought to say or nothing, by how
 * much it may differ, how long whoever seems to be gone must have been missed, then the operations. Nobody
 * is gone by a clock that may have been set. Returns { 'lost' } or { 'ahead' } or { 'ok', claims… }.
 */
export const claim: string = `${prelude}
local session, max, most, request = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local ahead = isAhead(ARGV[6], ARGV[7])
if not isAlive(session) then return { ahead and 'ahead' or 'lost' } end
-- Set back, it must not keep the lanes of one that is gone for longer than an hour.
local lease = tonumber(ARGV[5])
beginAnew('(' .. int(ms + math.max(longestWait, 2 * lease)), '+inf', lease)
local gone = ahead and {} or call('ZRANGEBYSCORE', S, '-inf', int(ms), 'LIMIT', 0, 8)
if #gone > 0 then gone = missedFor(tonumber(ARGV[8]), gone) end
if #gone > 0 then
  local over = {}
  for _, other in ipairs(gone) do call('ZREM', S, other); isHeard(other); over[other] = true end
  for _, lane in ipairs(call('HKEYS', H)) do
    local owner, _, id = heldBy(lane)
    if over[owner] then
      local noted = string.sub(call('HGET', H, lane), 1, 1) == '!'
      call('HDEL', H, lane)
      local interruptions, progress = progressOf(id)
      -- What was only at hand is not to blame: suspects are noted before they are sent.
      local now = noted and interruptions + 1 or math.min(interruptions + 1, most - 1)
      call('HSET', M, id, int(now) .. '|' .. progress)
      if now >= most then stop(lane, 'parked') else ready(lane) end
    end
  end
end
due()
local found = {}
for x = 9, #ARGV do
  local from, taken = '[' .. ARGV[x] .. ':', 0
  -- What is no more true is taken out on the way; a claim does so much and no more.
  for _ = 1, 4 do
    if taken >= max then break end
    local hints = call('ZRANGEBYLEX', R, from, '(' .. ARGV[x] .. ';', 'LIMIT', 0, max - taken)
    if #hints == 0 then break end
    for _, hint in ipairs(hints) do
      from = '(' .. hint
      local lane = string.match(hint, '[^:]+$')
      local id = call('HGET', L, lane)
      local _, op
      if id then _, op = itemOf(id) end
      if op == ARGV[x] and isFree(lane) then
        taken = taken + 1
        found[#found + 1] = hint
      else call('ZREM', R, hint) end
    end
  end
end
local function turn(hint) return string.match(hint, '^[^:]+:(.*)$') end
table.sort(found, function(a, b) return turn(a) < turn(b) end)
local out, taken = { 'ok' }, {}
for _, hint in ipairs(found) do
  if #out > max then break end
  local lane = string.match(hint, '[^:]+$')
  call('ZREM', R, hint)
  if not taken[lane] then
    taken[lane] = true
    out[#out + 1] = hold(session, lane, call('HGET', L, lane), request)
  end
end
saveFence()
return out
`;
