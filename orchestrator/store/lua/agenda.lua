#!lua flags=allow-oom
-- KEYS  deployment schedules delayed stopping
-- ARGV
-- USES  clock
-- REPLY ok | gone
-- What the scheduler needs for planning: the word, now, paused, the deployment's parameters, when
-- the first delayed run is due, the schedules as they are stored, runs whose children are to be
-- cancelled.
local facts = redis.call('HMGET', deployment, 'name', 'paused', 'parameters')
local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return {facts[1] and 'ok' or 'gone', string.format('%.0f', now()), facts[2] or '',
  facts[3] or '{}', first[2] or '', redis.call('HGETALL', schedules),
  redis.call('ZRANGE', stopping, 0, 99)}
