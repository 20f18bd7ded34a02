#!lua flags=allow-oom
-- KEYS  deployment runners schedules queue_first queue queue_late outbox
-- ARGV  runner info pauses
-- USES  clock cursors consumers outbox
-- REPLY ok | gone
-- The runner may claim. A noted shutdown pause is forgotten and one that was executed ends: the
-- deployment is served again. A pause by a person stays.
local facts = redis.call('HMGET', deployment, 'name', 'paused', 'paused_by')
if not facts[1] then return 'gone' end
local resumed = facts[2] == '1' and facts[3] == 'shutdown'
local is_new = redis.call('HEXISTS', runners, runner) == 0
check_outbox()
local unused = unused_consumers({queue_first, queue, queue_late}, runners)
local rules = resumed and redis.call('HKEYS', schedules) or {}

redis.call('HSETNX', runners, runner .. ':beat', 0)
redis.call('HSET', runners, runner, info, runner .. ':keep', pauses == '1' and '' or '1')
redis.call('HDEL', deployment, 'pause_noted')
forget_consumers(unused)
if resumed then
  redis.call('HSET', deployment, 'paused', '', 'paused_by', '')
  move_cursors(schedules, rules, now())
  happened('deployment.resumed')
end
if is_new then happened('runner.registered', 'runner', runner) end
return 'ok'
