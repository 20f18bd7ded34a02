#!lua flags=allow-oom
-- KEYS  run outbox
-- ARGV  by control lasting
-- USES  clock outbox history states
-- REPLY ok | unchanged | not_running | gone
-- Running -> Paused; the runner hears it now or at its next beat. A `lasting` pause is somebody's
-- wish, and outlives the processes: an attempt that follows stands still before its first line.
local record = redis.call('HMGET', run, 'state', 'attempt', 'runner', 'history', 'paused_by')
local state, is_wished = record[1], (record[5] or '') ~= ''
if not state then return 'gone' end
if state == 'Paused' then return 'unchanged' end
if is_wished and is_to_begin(state) then return 'unchanged' end
if state ~= 'Running' then return 'not_running' end
check_outbox()
change(run, record[4], now(), 'Paused', record[2], record[3], 'paused by ' .. by, {
  'paused_by', lasting == '1' and by or '',
})
redis.call('PUBLISH', control, 'runs')
return 'ok'
