#!lua flags=allow-oom
-- KEYS  deployment schedules outbox
-- ARGV
-- USES  clock cursors outbox
-- REPLY ok | unchanged | gone
-- The schedules go on from now: instants inside the pause are not missed ones.
local facts = redis.call('HMGET', deployment, 'name', 'paused')
if not facts[1] then return 'gone' end
if facts[2] ~= '1' then return 'unchanged' end
check_outbox()
local rules = redis.call('HKEYS', schedules)

redis.call('HSET', deployment, 'paused', '', 'paused_by', '')
redis.call('HDEL', deployment, 'pause_noted')
move_cursors(schedules, rules, now())
happened('deployment.resumed')
return 'ok'
