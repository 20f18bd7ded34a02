#!lua flags=allow-oom
-- KEYS  runners outbox
-- ARGV  runner by control
-- USES  outbox
-- REPLY ok | unchanged | gone
-- The runner is to finish what it runs and leave. Written down first, then said: it hears it now
-- or at its next look.
local known = redis.call('HMGET', runners, runner, runner .. ':drain')
if not known[1] then return 'gone' end
check_outbox()
if not known[2] then
  redis.call('HSET', runners, runner .. ':drain', by)
  happened('runner.draining', 'runner', runner, 'by', by)
end
redis.call('PUBLISH', control, 'drain')
return known[2] and 'unchanged' or 'ok'
