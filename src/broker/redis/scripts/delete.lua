-- Drops the log of a channel and closes its name. ARGV[5] for so long, ms; [6] the channel. Returns the position.
-- Its entry in `channels` stays and ages as usual: else every quiet channel would pay with a needless gap.
local channel = ARGV[6]
clock = math.max(clock, now) + 1
saveClock()
local position = print(clock)
redis.call('DEL', key('log:' .. channel))
redis.call('HDEL', key('bytes'), channel)
redis.call('HDEL', key('dropped'), channel)
redis.call('SET', key('end:' .. channel), 't' .. position, 'PX', ARGV[5])
redis.call('ZADD', key('deleted'), position, channel)
redis.call('PUBLISH', key('live:' .. channel), 't ' .. position .. ' ' .. print(previousOf(channel)) .. ' \n')
return position
