-- What some channels hold behind a place, in one atomic step with all that proves it complete (rule 10).
-- ARGV[5] a position that a client names, or ''; [6] up to here, or '' for no bound; [7] bytes of frames wanted in all;
-- [8] entries wanted of each channel, 0: none; [9…] channel and position it is read from, in turn
-- Returns clock, latest, born, forgotten, then for each channel:
-- { last position or '', end mark or '', whether more may follow, { { position, previous, kind, channels, frame }, … } }
local named = tonumber(ARGV[5])
local upTo = ARGV[6] == '' and '+' or ARGV[6]
local limit = tonumber(ARGV[8])
local STEP = 16 -- entries read in one go: their sizes are known only then

local latest = math.max(clock, now)
if named and named <= latest then
  clock = math.max(clock, named)
  saveClock()
end

local readers = {}
local active = 0 -- channels that hold something

local function readMore(reader, count)
  local read = redis.call('XRANGE', reader.log, reader.start, upTo, 'COUNT', count)
  for i = 1, #read do
    local fields = read[i][2]
    reader.entries[#reader.entries + 1] = { string.match(read[i][1], '^%d+'), fields[2], fields[8], fields[10], fields[6] }
    reader.bytes = reader.bytes + #fields[6]
  end
  if #read > 0 then
    reader.start = '(' .. read[#read][1]
  end
  return #read == count
end

for i = 9, #ARGV, 2 do
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
  while reader.isMore and #reader.entries < limit and reader.bytes < tonumber(ARGV[7]) / active do
    reader.isMore = readMore(reader, math.min(STEP, limit - #reader.entries))
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
