-- What some channels hold behind a place, in one atomic step with all that proves it complete (rule 10).
-- ARGV[5] a position that a client names, or ''; [6] bytes of frames wanted in all; [7] entries wanted of each channel,
-- 0: none; [8…] channel and position it is read from, in turn
-- Returns clock, latest, born, forgotten, then for each channel:
-- { last position or '', end mark or '', whether more may follow, { { position, previous, kind, channels, frame }, … } }
-- Once it has its bytes it begins with no further channel: those are not in the reply, and are asked for again.
local named = tonumber(ARGV[5])
local maxBytes = tonumber(ARGV[6])
local limit = tonumber(ARGV[7])

local latest = math.max(clock, now)
if named and named <= latest then
  clock = math.max(clock, named)
  saveClock()
end

local readers = {}
local bytes = 0

local function readMore(reader, count)
  local read = redis.call('XRANGE', reader.log, reader.start, '+', 'COUNT', count)
  for i = 1, #read do
    local entry = toEntry(read[i])
    reader.entries[#reader.entries + 1] = entry
    reader.bytes = reader.bytes + #entry[5]
    bytes = bytes + #entry[5]
  end
  if #read > 0 then
    reader.start = '(' .. read[#read][1]
  end
  return #read == count
end

local active = 0 -- channels that hold something
for i = 8, #ARGV, 2 do
  if i > 8 and limit > 0 and bytes >= maxBytes then
    break
  end
  local from = math.max(tonumber(ARGV[i + 1]), oldestKept - 1)
  local reader = { channel = ARGV[i], log = key('log:' .. ARGV[i]), start = print(from + 1), entries = {}, bytes = 0 }
  reader.isMore = limit > 0 and readMore(reader, 1) -- the first carries the proof
  if reader.isMore then
    active = active + 1
  end
  readers[#readers + 1] = reader
end

local reply = { print(clock), print(latest), print(born), print(forgotten) }
for _, reader in ipairs(readers) do
  local share = maxBytes / active
  while reader.isMore and #reader.entries < limit and reader.bytes < share and bytes < maxBytes do
    local wanted = nextStep(#reader.entries, reader.bytes, math.min(share - reader.bytes, maxBytes - bytes))
    reader.isMore = readMore(reader, math.min(wanted, limit - #reader.entries))
  end
  local last = redis.call('ZSCORE', key('channels'), reader.channel)
  reply[#reply + 1] = {
    last and print(tonumber(last)) or '',
    markOf(reader.channel),
    reader.isMore and 1 or 0,
    reader.entries,
  }
end
return reply
