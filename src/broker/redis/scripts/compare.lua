-- What has changed since a place, for a replica to hold its logs against (rule 5), in pages; bounded forgetting.
-- ARGV[5] changed after this score; [6] up to here, or '' for the clock; [7] entries wanted; [8] the replica's fence
-- channel and [9] what to say there, or ''; [10] channels to forget
-- Returns clock, born, forgotten, whether more could be forgotten, { channel, position, … }, { deleted channel, end mark, … }
local since = tonumber(ARGV[5])
local upTo = ARGV[6] == '' and clock or tonumber(ARGV[6])
local limit = tonumber(ARGV[10])
if ARGV[9] ~= '' then
  redis.call('PUBLISH', ARGV[8], ARGV[9])
end
local canForgetMore = limit > 0 and forget(limit) == limit
local changed = redis.call('ZRANGEBYSCORE', key('channels'), print(since), print(upTo), 'WITHSCORES', 'LIMIT', 0, ARGV[7])
local deleted = {}
if ARGV[6] == '' then
  -- Longer than a name stays closed: a replica that was away must hear of it all the same, as of messages.
  redis.call('ZREMRANGEBYSCORE', key('deleted'), '-inf', '(' .. print(oldestKept - 60 * 1000000))
  local found = redis.call('ZRANGEBYSCORE', key('deleted'), print(since), '+inf', 'WITHSCORES')
  for i = 1, #found, 2 do
    local mark = markOf(found[i])
    local isClosed = string.sub(mark, 1, 1) == 't'
    deleted[#deleted + 1] = found[i]
    deleted[#deleted + 1] = isClosed and mark or 't' .. print(tonumber(found[i + 1])) .. ' 0'
  end
end
return { print(clock), print(born), print(forgotten), canForgetMore and 1 or 0, changed, deleted }
