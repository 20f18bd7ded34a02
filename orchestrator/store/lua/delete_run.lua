#!lua flags=allow-oom
-- KEYS  run log children runs expiring stopping hooks
-- ARGV  run_id
-- USES  states guards
-- REPLY ok | open | gone
-- A final run, its log, the names of its children and its place in the index go in one step. An
-- open one stays: it has a ticket, a delay or a lease (I14).
local state = redis.call('HGET', run, 'state')
if not state then return 'gone' end
if WAITING[state] or CLAIMED[state] then return 'open' end
check_sets(runs, expiring, stopping, hooks)

redis.call('UNLINK', run, log, children)
redis.call('ZREM', runs, run_id)
redis.call('ZREM', expiring, run_id)
redis.call('ZREM', stopping, run_id)
redis.call('ZREM', hooks, run_id)
return 'ok'
