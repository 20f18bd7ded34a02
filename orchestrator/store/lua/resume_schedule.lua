#!lua flags=allow-oom
-- KEYS  deployment schedules outbox
-- ARGV  slug
-- USES  clock outbox
-- REPLY ok | unchanged | no_schedule | gone
-- The schedule goes on from now: instants while it was paused are not missed ones.
if redis.call('HEXISTS', deployment, 'name') == 0 then return 'gone' end
local known = redis.call('HMGET', schedules, slug .. ':rule', slug .. ':active', slug .. ':cursor')
if not known[1] then return 'no_schedule' end
if known[2] == '1' then return 'unchanged' end
check_outbox()

redis.call('HSET', schedules, slug .. ':active', '1', slug .. ':active_by', 'user',
  slug .. ':cursor', math.max(tonumber(known[3]), now()))
redis.call('HDEL', schedules, slug .. ':next')
happened('schedule.resumed', 'schedule', slug)
return 'ok'
