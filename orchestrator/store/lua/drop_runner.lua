#!lua flags=allow-oom
-- KEYS  deployment runners queue_first queue queue_late outbox
-- ARGV  runner beat
-- USES  registered consumers outbox
-- REPLY ok | last | stale
-- A runner that is dead to its observer leaves, while its beat is still what the observer saw.
-- `last`: nobody else is registered and one that left before noted the shutdown pause.
local seen = redis.call('HGET', runners, runner .. ':beat')
if seen ~= beat then return 'stale' end
local noted = redis.call('HGET', deployment, 'pause_noted') == '1'
local found, keep = others(runners, runner)
check_outbox()
local unused = unused_consumers({queue_first, queue, queue_late}, runners, runner)

forget_runner(runners, runner)
forget_consumers(unused)
happened('runner.lost', 'runner', runner)
return found == 0 and noted and not keep and 'last' or 'ok'
