-- The newest messages of some channels. ARGV[5] entries of each; [6] bytes of frames of each; [7] '1': positions only;
-- [8] the replica's fence channel and [9] what to say there, or ''; [10…] channels. Replies like read.lua; of each channel at least one entry where there is one.
local limit = tonumber(ARGV[5])
local maxBytes = tonumber(ARGV[6])
local isBare = ARGV[7] == '1'
local STEP = 16

local reply = { print(clock), print(math.max(clock, now)), print(born), print(forgotten) }
if ARGV[9] ~= '' then
  redis.call('PUBLISH', ARGV[8], ARGV[9])
end
for i = 10, #ARGV do
  local log = key('log:' .. ARGV[i])
  local newestFirst, bytes, stop, isMore = {}, 0, '+', true
  while isMore and #newestFirst < limit and (bytes < maxBytes or #newestFirst == 0) do
    local count = #newestFirst == 0 and 1 or math.min(STEP, limit - #newestFirst)
    local read = redis.call('XREVRANGE', log, stop, print(oldestKept), 'COUNT', count)
    for j = 1, #read do
      local fields = read[j][2]
      bytes = bytes + #fields[6]
      newestFirst[#newestFirst + 1] = { string.match(read[j][1], '^%d+'), fields[2], fields[8], fields[10], isBare and '' or fields[6] }
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
