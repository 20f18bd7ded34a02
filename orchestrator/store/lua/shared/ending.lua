-- What follows the last change of a run: it and its log expire, whoever waits is told.
local function conclude(key, log_key, retention_ms, channel, id)
  redis.call('PEXPIRE', key, retention_ms)
  redis.call('PEXPIRE', log_key, retention_ms)
  redis.call('PUBLISH', channel, id)
end
