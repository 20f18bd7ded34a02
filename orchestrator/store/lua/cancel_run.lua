#!lua flags=allow-oom
-- KEYS  run log children delayed queue_first queue queue_late expiring stopping outbox
-- ARGV  run_id by retention_ms control ended
-- USES  clock outbox history states tickets guards ending
-- REPLY cancelled | cancelling | already | gone
-- Waiting -> Cancelled at once: it never begins (I9). Claimed -> Cancelling: its runner hears it
-- now or at its next beat, and writes Cancelled when the processes are gone. Final: unchanged (I7).
-- What it has asked for is to be cancelled too.
local record = redis.call('HMGET', run, 'state', 'attempt', 'runner', 'history', 'ticket',
  'children', 'retention_days')
local state = record[1]
if not state then return 'gone' end
if state == 'Cancelling' then return 'cancelling' end
local requested = {'cancel_requested_by', by, 'cancel_requested_at'}
local why = 'cancelled by ' .. by
check_family(record[6], children, stopping)
check_outbox()
if CLAIMED[state] then
  local at = now()
  requested[#requested + 1] = at
  change(run, record[4], at, 'Cancelling', record[2], record[3], why, requested)
  part(run_id, 'Cancelling', record[6], stopping)
  redis.call('PUBLISH', control, 'runs')
  return 'cancelling'
end
if not WAITING[state] then return 'already' end
check_sets(expiring)

local at = now()
for _, text in ipairs({at, 'ended_at', at, 'ticket', ''}) do requested[#requested + 1] = text end
redis.call('ZREM', delayed, run_id)
drop_ticket(record[5], {first = queue_first, queue = queue, late = queue_late})
change(run, record[4], at, 'Cancelled', record[2], '', why, requested)
part(run_id, 'Cancelled', record[6], stopping)
conclude(run_id, at, record[7], retention_ms, ended,
  {run = run, log = log, children = record[6] and children, expiring = expiring})
return 'cancelled'
