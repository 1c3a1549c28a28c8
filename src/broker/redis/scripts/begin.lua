-- Stands before every script: the clock, and the rules that every script keeps (docs/architecture.md, "Exact over Redis").
-- Numbers are positions: microseconds, exact in a double; Lua would print them as 1.7e+15, hence `print`.
local prefix = ARGV[1] -- of all keys, with the hash tag
local heard, known = string.match(ARGV[2], '^(%d+) (%d+)$') -- the highest position the replica has heard of, and when
local floor = tonumber(heard) -- the data began that it belongs to; 0: it does not know
local bornHeard = tonumber(known)
local runId = ARGV[3] -- of the Redis process the replica speaks to
local maxAge = tonumber(ARGV[4]) * 1000 -- of a retained message, microseconds

local function key(name)
  return prefix .. name
end

local function print(position)
  return string.format('%.0f', position)
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local stored = redis.call('MGET', key('clock'), key('born'), key('run'), key('forgotten'))
local clock = tonumber(stored[1] or '0')
local born = tonumber(stored[2] or '0')
local forgotten = tonumber(stored[4] or '0')
local storedClock = clock

local function saveClock()
  if clock ~= storedClock then
    redis.call('SET', key('clock'), print(clock))
    storedClock = clock
  end
end

-- Rules 1 and 2. Another process may be a master whose clock is behind, and that has lost what was given out: its
-- positions begin where nothing can have been.
local LEAP = 10 * 1000000
local MOST_AHEAD = 6 * LEAP -- of the wall clock, should run ids keep changing
local isNew = clock == 0 or born == 0
-- A replica that knew less began the data anew: not later than all that was given out before.
local isTooEarly = not isNew and bornHeard > 0 and bornHeard ~= born and floor > born
clock = math.max(clock, floor)
if isNew then
  clock = math.max(clock, now)
end
if stored[3] ~= runId or isTooEarly then
  clock = math.max(clock, math.min(math.max(clock, now) + LEAP, now + MOST_AHEAD))
end
if stored[3] ~= runId then
  redis.call('SET', key('run'), runId)
end
if isNew or isTooEarly then
  clock = clock + 1 -- or it could be the same birth as before, where that was the last that was heard
  born = clock
  redis.call('SET', key('born'), print(born))
end
saveClock()

-- Whatever is older counts as dropped, whether it is still there or not.
local oldestKept = now - maxAge

-- Why a channel takes no more messages, or ''; after a DELETE also for how long, ms.
local function markOf(channel)
  local mark = redis.call('GET', key('end:' .. channel)) or ''
  if string.sub(mark, 1, 1) == 't' then
    return mark .. ' ' .. redis.call('PTTL', key('end:' .. channel))
  end
  return mark
end

-- Rule 3: what a message of this channel follows.
local function previousOf(channel)
  local score = redis.call('ZSCORE', key('channels'), channel)
  return score and tonumber(score) or math.max(forgotten, born)
end

-- Channels whose newest message has aged out are forgotten, at most `limit` of them; returns how many.
local function forget(limit)
  local aged = redis.call('ZRANGEBYSCORE', key('channels'), '-inf', '(' .. print(oldestKept), 'WITHSCORES', 'LIMIT', 0, limit)
  local highest = 0
  for i = 1, #aged, 2 do
    redis.call('DEL', key('log:' .. aged[i]))
    redis.call('HDEL', key('bytes'), aged[i])
    redis.call('HDEL', key('dropped'), aged[i])
    redis.call('ZREM', key('channels'), aged[i])
    highest = math.max(highest, tonumber(aged[i + 1]))
  end
  if highest > forgotten then
    forgotten = highest
    redis.call('SET', key('forgotten'), print(forgotten))
  end
  return #aged / 2
end

-- An entry of a log, as it is replied: position, previous, kind, channels, frame.
local function toEntry(entry)
  local fields = entry[2]
  return { string.match(entry[1], '^%d+'), fields[2], fields[8], fields[10], fields[6] }
end

local ID_LINE_BYTES = 17 -- "id: ", 11 digits, two line ends: the frame that streams get has them

-- What an entry counts in the bytes of its log.
local function sizeOf(entry)
  return #entry[2][6] + ID_LINE_BYTES + #entry[2][10]
end

-- Entries to be read in one go. Their sizes are known only afterwards: judged by those before, and few at a time.
local MAX_STEP = 16
local function nextStep(count, bytes, wantedBytes)
  if count == 0 then
    return 1
  end
  local fitting = math.floor(wantedBytes * count / math.max(bytes, 1))
  return math.max(1, math.min(fitting, count, MAX_STEP))
end

-- Drops entries without reading them: whole nodes first, and what is left to drop in the next one. In all no more than
-- 300 with Redis' own size of nodes.
local NODES_ENTRIES = 200
local function trimNodes(log, strategy, threshold)
  local removed = redis.call('XTRIM', log, strategy, '~', threshold, 'LIMIT', NODES_ENTRIES)
  if removed < NODES_ENTRIES / 2 then
    redis.call('XTRIM', log, strategy, '=', threshold)
  end
end
