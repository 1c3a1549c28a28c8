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
  redis.call('ZREMRANGEBYSCORE', key('deleted'), '-inf', '(' .. print(now - 60 * 1000000))
  for _, channel in ipairs(redis.call('ZRANGEBYSCORE', key('deleted'), print(since), '+inf')) do
    deleted[#deleted + 1] = channel
    deleted[#deleted + 1] = markOf(channel)
  end
end
return { print(clock), print(born), print(forgotten), canForgetMore and 1 or 0, changed, deleted }
