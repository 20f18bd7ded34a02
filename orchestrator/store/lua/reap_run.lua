#!lua flags=allow-oom
-- KEYS  run log children deployment leases queue_first queue queue_late expiring stopping hooks outbox
-- ARGV  run_id token beat reason retention_ms hooks_after_ms control ended
-- USES  clock outbox history states tickets guards ending
-- REPLY recovered | cancelled | crashed | stale | gone
-- Claimed -> Scheduled at the front of the queue, or final; only while (token, beat) are what the
-- observer saw. An empty beat: the owner's own host reports its death. At most so often (I11): an
-- attempt that was lost before its start was allowed has done nothing, and spends no recovery.
-- Hooks of a run that ends here are owed: its process could not call them. Who calls them himself
-- has `hooks_after_ms` for it, then any runner of the deployment may (take_hooks).
local MOST = {recoveries = 3, unbegun = 20}
local record = redis.call('HMGET', run, 'state', 'token', 'attempt', 'runner', 'history', 'ticket',
  'beat', 'started_at', 'recoveries', 'limited', 'children', 'unbegun',
  'retention_days')
local state, attempt, runner = record[1], record[3], record[4]
if not state then return 'gone' end
if record[2] ~= token or not CLAIMED[state] then return 'stale' end
if beat ~= '' and record[7] ~= beat then return 'stale' end
local had_started = (record[8] or '') ~= ''
local on_lost = redis.call('HGET', deployment, 'on_lost')
local streams = {first = queue_first, queue = queue, late = queue_late}
check_streams(queue_first, streams[place_of(record[6])])
check_sets(expiring, hooks)
check_family(record[11], children, stopping)
check_outbox()

local at = now()
redis.call('ZREM', leases, run_id)
drop_ticket(record[6], streams)
local function over(new_state, why, word, error)
  change(run, record[5], at, new_state, attempt, runner, why, {
    'ended_at', at, 'ticket', '', 'error', error,
  })
  part(run_id, new_state, record[11], stopping)
  if had_started or new_state == 'Crashed' then
    redis.call('ZADD', hooks, string.format('%.0f', at + tonumber(hooks_after_ms)), run_id)
  end
  conclude(run_id, at, record[13], retention_ms, ended,
    {run = run, log = log, children = record[11] and children, expiring = expiring})
  if record[10] == '1' then redis.call('PUBLISH', control, 'queue') end
  return word
end
if state == 'Cancelling' then return over('Cancelled', reason, 'cancelled', '') end
local budget = had_started and 'recoveries' or 'unbegun'
local spent = (tonumber(had_started and record[9] or record[12]) or 0) + 1
local why = reason
if spent > MOST[budget] then
  why = why .. '; it was recovered ' .. MOST[budget] .. ' times before'
  if not had_started then why = why .. ', and never began' end
end
if spent > MOST[budget] or (had_started and on_lost == 'fail') then
  return over('Crashed', why, 'crashed',
    cjson.encode({type = "RunnerDied", message = why, traceback = ''}))
end
local ticket = put_ticket(queue_first, 'first', run_id)
change(run, record[5], at, 'Scheduled', attempt, runner, why, {
  'begin_as', tonumber(attempt) + (had_started and 1 or 0), budget, spent,
  'ticket', ticket, 'last_word', '',
})
redis.call('PUBLISH', control, 'queue')
return 'recovered'
