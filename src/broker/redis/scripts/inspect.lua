-- What is kept of channels. ARGV[5] bytes of frames to look at; [6…] channels. Returns for each, at least the first:
-- newest position or '', messages, bytes, end mark or ''. Those behind are asked for again.
local maxBytes = tonumber(ARGV[5])
local looked = 0
local reply = {}
for i = 6, #ARGV do
  if looked >= maxBytes then
    break
  end
  local log = key('log:' .. ARGV[i])
  redis.call('XTRIM', log, 'MINID', '=', print(oldestKept)) -- what is too old does not count
  local oldest = redis.call('XRANGE', log, print(oldestKept), '+', 'COUNT', 1)[1]
  local newest = oldest and redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  local bytes = 0
  if oldest then
    bytes = tonumber(newest[2][4]) - tonumber(oldest[2][4]) + sizeOf(oldest)
    looked = looked + #oldest[2][6] + #newest[2][6]
  end
  reply[#reply + 1] = {
    newest and string.match(newest[1], '^%d+') or '',
    oldest and redis.call('XLEN', log) or 0,
    bytes,
    markOf(ARGV[i]),
  }
end
return reply
