#!lua
-- KEYS  run deployment queue delayed runs outbox
-- ARGV  run_id parameters tags name created_by scheduled_at idempotency_key digest retry_of parent depth revision announced run_prefix control
-- USES  clock outbox history tickets creation guards
-- REPLY created | exists | conflict | no_deployment
-- (none) -> Scheduled, with a ticket when it is due and among the delayed when it is not.
-- Of many runs at once only some are `announced` to the runners.
-- The same id again changes nothing (I15). The run that it retries gets to know it, if it still is.
local facts = redis.call('HMGET', deployment, 'name', 'secrets')
if not facts[1] then return 'no_deployment' end
local known = redis.call('HMGET', run, 'state', 'digest')
if known[1] then
  if known[2] ~= digest then return 'conflict' end
  return 'exists'
end
local retried = retry_of ~= '' and redis.call('HGET', run_prefix .. retry_of, 'state')
check_sets(runs)
check_outbox()

local at = now()
local due = tonumber(scheduled_at) or at
local ticket = ''
if due <= at then
  ticket = put_ticket(queue, 'queue', run_id)
else
  redis.call('ZADD', delayed, due, run_id)
end
create(run, at, due, ticket, {
  'deployment', facts[1], 'name', name, 'parameters', parameters, 'tags', tags,
  'created_by', created_by, 'idempotency_key', idempotency_key, 'digest', digest,
  'retry_of', retry_of, 'parent', parent, 'depth', depth, 'revision', revision, 'secrets', facts[2] or '',
})
redis.call('ZADD', runs, at, run_id)
if retried then redis.call('HSET', run_prefix .. retry_of, 'retried_as', run_id) end
if ticket ~= '' and announced == '1' then redis.call('PUBLISH', control, 'queue') end
return 'created'
