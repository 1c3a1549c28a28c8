-- One publication, stored in all its channels or in none, and announced.
-- ARGV[5] messages and [6] bytes per channel; [7] idempotency key or '', [8] hash of the content, [9] its time, ms;
-- [10] kind: 'm' message, 'e' end, 'x' ephemeral; [11] the frame up to its `id:` line; [12…] channels
-- Returns a letter and a position: 'M' stored, 'D' stored before under this key; or 'R' the key was used for other
-- content; or 'E' ended, 'T' deleted, and the channel.
local maxMessages = tonumber(ARGV[5])
local maxBytes = tonumber(ARGV[6])
local idempotencyKey = ARGV[7] ~= '' and key('idem:' .. ARGV[7])
local kind = ARGV[10]
local frame = ARGV[11]

if idempotencyKey then
  local first = redis.call('GET', idempotencyKey)
  if first then
    local position, hash = string.match(first, '^(%d+) (.*)$')
    return hash == ARGV[8] and 'D' .. position or 'R'
  end
end
for i = 12, #ARGV do
  local mark = redis.call('GET', key('end:' .. ARGV[i]))
  if mark then
    return (string.sub(mark, 1, 1) == 't' and 'T' or 'E') .. ARGV[i]
  end
end

clock = math.max(clock, now) + 1 -- rule 3
saveClock()
local position = print(clock)
local channels = #ARGV > 12 and table.concat(ARGV, ',', 12) or ''
local size = #frame + ID_LINE_BYTES + #channels

-- Bounded: an entry is read whole, so the oldest is read only where there seem to be too many bytes, and of all channels
-- of this message no more than `readable` bytes: of those that are left over the next message does it.
local readable = 1024 * 1024 + 2 * size * (#ARGV - 11)

-- The first entry from a place up to another, or nil.
local function readFirst(log, from, upTo)
  local entry = redis.call('XRANGE', log, from, upTo, 'COUNT', 1)[1]
  if not entry then
    return nil
  end
  readable = readable - #entry[2][6]
  return { position = tonumber(string.match(entry[1], '^%d+')), upTo = tonumber(entry[2][4]), size = sizeOf(entry) }
end

-- Drops what lies behind `from` and has no more than `wanted` bytes before its end, and the one at that place. It is
-- looked for by halves, each entry on the way is read once, and the rest goes in whole nodes, without being read.
-- Returns the bytes up to where it has dropped.
local function cut(log, from, dropped, wanted)
  local low, high = from, clock -- below the new message, which stays
  local edge
  while low + 1 < high and readable > 0 do
    local middle = math.floor((low + high) / 2)
    local found = readFirst(log, print(middle), print(high - 1))
    if found and found.upTo < wanted then
      low, dropped = found.position, found.upTo
    else
      high, edge = middle, found or edge
    end
  end
  if edge and low + 1 >= high then
    low, dropped = edge.position, edge.upTo
  end
  redis.call('XTRIM', log, 'MINID', '=', print(low + 1))
  return dropped
end

-- Up to twice what is added: two messages, or twice its bytes.
local function trimBytes(channel, log, running)
  local stored = tonumber(redis.call('HGET', key('dropped'), channel) or '0')
  local dropped = stored -- bytes that are no longer retained, or fewer
  local removed = 0
  while running - dropped > maxBytes and readable > 0 do
    local oldest = readFirst(log, '-', '+')
    dropped = oldest.upTo - oldest.size
    if running - dropped <= maxBytes or oldest.position == clock then
      break
    end
    if removed == 2 then
      dropped = cut(log, oldest.position - 1, dropped, math.min(running - maxBytes, dropped + 2 * size))
      break
    end
    redis.call('XDEL', log, print(oldest.position) .. '-0')
    dropped = oldest.upTo
    removed = removed + 1
  end
  if dropped ~= stored then
    redis.call('HSET', key('dropped'), channel, print(dropped))
  end
end

for i = 12, #ARGV do
  local channel = ARGV[i]
  local log = key('log:' .. channel)
  local previous = print(previousOf(channel))
  if kind ~= 'x' then
    local running = redis.call('HINCRBY', key('bytes'), channel, size)
    redis.call('XADD', log, position .. '-0', 'p', previous, 'b', running, 'f', frame, 'k', kind, 'c', channels)
    trimNodes(log, 'MINID', print(oldestKept))
    if redis.call('XLEN', log) > maxMessages then
      trimNodes(log, 'MAXLEN', maxMessages)
    end
    trimBytes(channel, log, running)
    redis.call('PEXPIRE', log, ARGV[4])
    redis.call('ZADD', key('channels'), position, channel)
    if kind == 'e' then
      redis.call('SET', key('end:' .. channel), 'e' .. position, 'PX', ARGV[4])
    end
  end
  redis.call('PUBLISH', key('live:' .. channel), kind .. ' ' .. position .. ' ' .. previous .. ' ' .. channels .. '\n' .. frame)
end
if idempotencyKey then
  redis.call('SET', idempotencyKey, position .. ' ' .. ARGV[8], 'PX', ARGV[9])
end
if kind ~= 'x' then
  forget(2 * (#ARGV - 11))
end
return 'M' .. position
