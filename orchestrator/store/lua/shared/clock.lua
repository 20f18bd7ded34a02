-- The server's time in milliseconds since 1970; display and due instants only, never safety (I18).
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
