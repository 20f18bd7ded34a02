#!lua flags=allow-oom
-- KEYS  run outbox
-- ARGV  by control
-- USES  clock outbox history
-- REPLY ok | unchanged | not_running | gone
-- Paused -> Running, asked for by a person; the runner hears it now or at its next beat.
local record = redis.call('HMGET', run, 'state', 'attempt', 'runner', 'history')
if not record[1] then return 'gone' end
if record[1] == 'Running' then return 'unchanged' end
if record[1] ~= 'Paused' then return 'not_running' end
check_outbox()
change(run, record[4], now(), 'Running', record[2], record[3], 'resumed by ' .. by, {})
redis.call('PUBLISH', control, 'runs')
return 'ok'
