-- What has changed since a place, for a replica to hold its logs against (rule 5), in pages; bounded forgetting.
-- ARGV[5] channels changed, and [6] deleted, from this score on; [7] wanted of each; [8] the replica's fence channel and
-- [9] what to say there (rule 7); [10] channels to forget
-- Returns clock, born, forgotten, whether more could be forgotten, { channel, position, … }, { deleted channel, end mark, … }
local wanted = ARGV[7]
local limit = tonumber(ARGV[10])
redis.call('PUBLISH', ARGV[8], ARGV[9])
local canForgetMore = limit > 0 and forget(limit) == limit
if limit > 0 then
  -- Longer than a name stays closed: a replica that was away must hear of it all the same, as of messages.
  local over = redis.call('ZRANGEBYSCORE', key('deleted'), '-inf', '(' .. print(oldestKept - 60 * 1000000), 'LIMIT', 0, limit)
  if #over > 0 then
    redis.call('ZREM', key('deleted'), unpack(over))
  end
  canForgetMore = canForgetMore or #over == limit
end
local changed = redis.call('ZRANGEBYSCORE', key('channels'), ARGV[5], '+inf', 'WITHSCORES', 'LIMIT', 0, wanted)
local found = redis.call('ZRANGEBYSCORE', key('deleted'), ARGV[6], '+inf', 'WITHSCORES', 'LIMIT', 0, wanted)
local deleted = {}
for i = 1, #found, 2 do
  local mark = markOf(found[i])
  local isClosed = string.sub(mark, 1, 1) == 't'
  deleted[#deleted + 1] = found[i]
  deleted[#deleted + 1] = isClosed and mark or 't' .. print(tonumber(found[i + 1])) .. ' 0'
end
return { print(clock), print(born), print(forgotten), canForgetMore and 1 or 0, changed, deleted }
