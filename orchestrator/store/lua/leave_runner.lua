#!lua flags=allow-oom
-- KEYS  deployment runners queue_first queue queue_late outbox
-- ARGV  runner pause
-- USES  registered consumers outbox
-- REPLY ok | last
-- The runner claims no more. `last`: nobody else is registered and the deployment is to be paused,
-- as this one asks or an earlier one noted. One that serves without pausing erases the note.
local noted = redis.call('HGET', deployment, 'pause_noted') == '1'
local found, keep, here = others(runners, runner)
check_outbox()
local unused = unused_consumers({queue_first, queue, queue_late}, runners, runner)

forget_runner(runners, runner)
forget_consumers(unused)
if here then happened('runner.left', 'runner', runner) end
local wanted = (pause == '1' or noted) and not keep
if wanted then
  redis.call('HSET', deployment, 'pause_noted', 1)
elseif noted then
  redis.call('HDEL', deployment, 'pause_noted')
end
return wanted and found == 0 and 'last' or 'ok'
