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

-- Bounded: of what is too old up to 300 entries, without being read; else up to twice what is added, in messages or in
-- bytes. An entry is read whole, so the oldest is read only where there seems to be too much, and of all channels of
-- this message no more than `readable` bytes: of those that are left over the next message does it.
local AGED_AT_ONCE = 200
local spare = 100 -- small entries that make room for a large one, of all channels together
local readable = 1024 * 1024 + 2 * size * (#ARGV - 11)

local function trimAged(log)
  local minId = print(oldestKept)
  local removed = redis.call('XTRIM', log, 'MINID', '~', minId, 'LIMIT', AGED_AT_ONCE) -- whole nodes
  if removed < AGED_AT_ONCE / 2 then
    redis.call('XTRIM', log, 'MINID', '=', minId) -- what is left in one
  end
end

local function trim(channel, log, running)
  trimAged(log)
  local length = redis.call('XLEN', log)
  local stored = tonumber(redis.call('HGET', key('dropped'), channel) or '0')
  local dropped = stored -- bytes that are no longer retained, or fewer
  local removed, removedBytes = 0, 0
  while
    length > 1
    and (length > maxMessages or running - dropped > maxBytes)
    and (removed < 2 or (removedBytes < 2 * size and spare > 0))
    and readable > 0
  do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    local upTo, oldestSize = tonumber(oldest[2][4]), sizeOf(oldest)
    readable = readable - oldestSize
    dropped = upTo - oldestSize
    if length > maxMessages or running - dropped > maxBytes then
      redis.call('XDEL', log, oldest[1])
      dropped = upTo
      length = length - 1
      removed = removed + 1
      spare = removed > 2 and spare - 1 or spare
      removedBytes = removedBytes + oldestSize
    end
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
    trim(channel, log, running)
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
