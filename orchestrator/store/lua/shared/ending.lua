-- A run that is cancelled, or ends for its time limit, leaves a duty: the children that it has now
-- are to be cancelled. Noted in its own slot; whoever looks here does it (store/children.py).
-- `count` is the record's field `children`; most runs have none.
local function check_family(count, ...)
  if count then check_sets(...) end
end
local PARTS = {Cancelling = true, Cancelled = true, TimedOut = true}
local function part(id, state, count, stopping_key)
  if count and PARTS[state] then redis.call('ZADD', stopping_key, count, id) end
end
-- How long a run is kept once it is over: so many days, as its deployment said when the run was made
-- (the record's field `retention_days`); else as whoever ends it says.
local function kept_ms(days, otherwise)
  days = tonumber(days)
  return days and days * 86400000 or tonumber(otherwise)
end
-- What follows the last change of a run: it and its log expire, at an instant that `expiring` knows
-- (sweep_runs), and whoever waits is told.
local function conclude(id, at, days, retention_ms, channel, keys)
  local instant = string.format('%.0f', at + kept_ms(days, retention_ms))
  redis.call('PEXPIREAT', keys.run, instant)
  redis.call('PEXPIREAT', keys.log, instant)
  if keys.children then redis.call('PEXPIREAT', keys.children, instant) end
  redis.call('ZADD', keys.expiring, instant, id)
  redis.call('PUBLISH', channel, id)
end
