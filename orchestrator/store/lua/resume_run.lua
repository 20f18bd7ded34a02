#!lua flags=allow-oom
-- KEYS  run outbox
-- ARGV  by control
-- USES  clock outbox history states
-- REPLY ok | unchanged | not_running | gone
-- Paused -> Running, asked for by a person; the runner hears it now or at its next beat. One that
-- stands before its first line is Pending again, and must be allowed to start like any other (I6).
local record = redis.call('HMGET', run, 'state', 'attempt', 'runner', 'history', 'paused_by',
  'started_at')
local state, is_wished = record[1], (record[5] or '') ~= ''
if not state then return 'gone' end
if state == 'Running' then return 'unchanged' end
if is_wished and is_to_begin(state) then
  redis.call('HSET', run, 'paused_by', '')
  return 'ok'
end
if state ~= 'Paused' then return 'not_running' end
check_outbox()
local after = (record[6] or '') ~= '' and 'Running' or 'Pending'
change(run, record[4], now(), after, record[2], record[3], 'resumed by ' .. by, {'paused_by', ''})
redis.call('PUBLISH', control, 'runs')
return 'ok'
