-- What follows the last change of a run: it and its log expire, at an instant that `expiring` knows
-- (sweep_runs), and whoever waits is told.
local function conclude(key, log_key, expiring_key, at, retention_ms, channel, id)
  local instant = string.format('%.0f', at + tonumber(retention_ms))
  redis.call('PEXPIREAT', key, instant)
  redis.call('PEXPIREAT', log_key, instant)
  redis.call('ZADD', expiring_key, instant, id)
  redis.call('PUBLISH', channel, id)
end
