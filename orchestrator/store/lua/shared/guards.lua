-- A script has no way back: what it only writes is read once before its first write, so that a key
-- of another type fails while nothing is changed (F20).
local function check_streams(...)
  for _, stream in ipairs({...}) do redis.call('XLEN', stream) end
end
local function check_sets(...)
  for _, set in ipairs({...}) do redis.call('ZCARD', set) end
end
