-- The newest messages of some channels, for their baselines. ARGV[5] entries of each; [6] bytes of frames in all;
-- [7] the replica's fence channel and [8] what to say there; [9…] channels. Replies like read.lua, of all channels:
-- of those that come when it has its bytes, without entries.
local limit = tonumber(ARGV[5])
local maxBytes = tonumber(ARGV[6])
local share = maxBytes / (#ARGV - 8)

-- Rule 4: the fence tells that all has been heard that was announced before this was read.
local reply = { print(clock), print(math.max(clock, now)), print(born), print(forgotten) }
redis.call('PUBLISH', ARGV[7], ARGV[8])
local total = 0
for i = 9, #ARGV do
  local log = key('log:' .. ARGV[i])
  local newestFirst, bytes, stop, isMore = {}, 0, '+', true
  while isMore and #newestFirst < limit and bytes < share and total < maxBytes do
    local count = math.min(nextStep(#newestFirst, bytes, math.min(share - bytes, maxBytes - total)), limit - #newestFirst)
    local read = redis.call('XREVRANGE', log, stop, print(oldestKept), 'COUNT', count)
    for j = 1, #read do
      local entry = toEntry(read[j])
      bytes = bytes + #entry[5]
      total = total + #entry[5]
      newestFirst[#newestFirst + 1] = entry
    end
    isMore = #read == count
    if #read > 0 then
      stop = '(' .. read[#read][1]
    end
  end
  local entries = {}
  for j = #newestFirst, 1, -1 do
    entries[#entries + 1] = newestFirst[j]
  end
  local last = redis.call('ZSCORE', key('channels'), ARGV[i])
  reply[#reply + 1] = {
    last and print(tonumber(last)) or '',
    markOf(ARGV[i]),
    isMore and 1 or 0,
    entries,
  }
end
return reply
