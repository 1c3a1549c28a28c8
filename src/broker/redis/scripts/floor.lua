-- Behind which position the newest messages of a channel lie. ARGV[5] the channel; [6] messages wanted; [7] '+', or
-- where the last answer has stopped; [8] bytes of frames to look at: only a whole entry tells its position.
-- Returns the position or '', how many messages are wanted behind it, and where to go on, '' at the end of the log.
local log = key('log:' .. ARGV[5])
local wanted = tonumber(ARGV[6])
local stop = ARGV[7]
local maxBytes = tonumber(ARGV[8])

local seen, bytes, isMore = 0, 0, true
local floor
while isMore and seen < wanted and bytes < maxBytes do
  local count = math.min(nextStep(seen, bytes, maxBytes - bytes), wanted - seen)
  local read = redis.call('XREVRANGE', log, stop, print(oldestKept), 'COUNT', count)
  for i = 1, #read do
    local entry = toEntry(read[i])
    bytes = bytes + #entry[5]
    floor = entry[2]
    stop = '(' .. read[i][1]
  end
  seen = seen + #read
  isMore = #read == count
end
if not floor and ARGV[7] == '+' then
  local last = redis.call('ZSCORE', key('channels'), ARGV[5])
  floor = last and print(tonumber(last))
end
return { floor or '', wanted - seen, isMore and stop or '' }
