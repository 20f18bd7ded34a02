#!lua flags=allow-oom
-- KEYS  run log children leases queue_first queue queue_late expiring stopping outbox
-- ARGV  run_id token reason retention_ms control ended
-- USES  clock outbox history states tickets guards ending
-- REPLY ok | cancelled | lease_lost | gone
-- Claimed -> Scheduled at the front of the queue, by the holder of the lease only; the next claim
-- begins the same attempt with a new token. A run that was being cancelled ends instead (I9).
local record = redis.call('HMGET', run, 'state', 'token', 'attempt', 'runner', 'history', 'ticket',
  'last_word', 'limited', 'children', 'retention_days')
local state, attempt, runner = record[1], record[3], record[4]
if not state then return 'gone' end
if record[2] ~= token then return 'lease_lost' end
if not CLAIMED[state] then
  return string.match(record[7] or '', '^release (%a+)$') or 'lease_lost'
end
local streams = {first = queue_first, queue = queue, late = queue_late}
check_streams(queue_first, streams[place_of(record[6])])
check_sets(expiring)
check_family(record[9], children, stopping)
check_outbox()

local at = now()
redis.call('ZREM', leases, run_id)
drop_ticket(record[6], streams)
if state == 'Cancelling' then
  change(run, record[5], at, 'Cancelled', attempt, runner, reason, {
    'ended_at', at, 'ticket', '', 'last_word', 'release cancelled',
  })
  part(run_id, 'Cancelled', record[9], stopping)
  conclude(run_id, at, record[10], retention_ms, ended,
    {run = run, log = log, children = record[9] and children, expiring = expiring})
  if record[8] == '1' then redis.call('PUBLISH', control, 'queue') end
  return 'cancelled'
end
local ticket = put_ticket(queue_first, 'first', run_id)
change(run, record[5], at, 'Scheduled', attempt, runner, reason, {
  'begin_as', attempt, 'ticket', ticket, 'last_word', 'release ok',
})
redis.call('PUBLISH', control, 'queue')
return 'ok'
