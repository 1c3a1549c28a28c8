-- What is kept of channels. ARGV[5…] channels. Returns for each: newest position or '', messages, bytes, end mark or ''.
local ID_LINE_BYTES = 17
local reply = {}
for i = 5, #ARGV do
  local log = key('log:' .. ARGV[i])
  local oldest = redis.call('XRANGE', log, print(oldestKept), '+', 'COUNT', 1)[1]
  local newest = oldest and redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  local bytes = 0
  if oldest then
    bytes = tonumber(newest[2][4]) - tonumber(oldest[2][4]) + #oldest[2][6] + ID_LINE_BYTES + #oldest[2][10]
  end
  reply[#reply + 1] = {
    newest and string.match(newest[1], '^%d+') or '',
    oldest and redis.call('XLEN', log) or 0,
    bytes,
    markOf(ARGV[i]),
  }
end
return reply
