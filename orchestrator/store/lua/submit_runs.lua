#!lua
-- KEYS  deployment queue delayed runs outbox
-- ARGV  seal run_prefix control many...
-- USES  clock outbox history tickets creation guards
-- REPLY created | exists | conflict | stale | no_deployment
-- (none) -> Scheduled, each with a ticket when it is due and among the delayed when it is not.
-- `many` is WIDTH texts of each run, those of the second `unpack`. The same id again changes nothing
-- (I15).
-- `seal` is the one of what the parameters were checked by (store/doors.py), '' when that was read
-- just now: with another one by now they must be checked anew, and no run is made.
-- The run that one retries gets to know it, if it still is. Answers a word for each run.
local WIDTH = 12
local facts = redis.call('HMGET', deployment, 'name', 'secrets', 'retention_days', 'tags',
  'parameters', 'parameter_schema', 'enforce_parameter_schema')
if not facts[1] then return {'no_deployment'} end
if seal ~= '' and redis.sha1hex(table.concat(facts, '\n', 4)) ~= seal then return {'stale'} end

local words, missing, digests, retried, ids = {}, {}, {}, {}, {}
for i = 1, #many, WIDTH do ids[#ids + 1] = many[i] end
local found = existing(run_prefix, ids)
for i = 1, #many, WIDTH do
  local id, _, digest, retry_of = unpack(many, i, i + 3)
  if found[id] and not digests[id] then
    local known = redis.call('HMGET', run_prefix .. id, 'state', 'digest')
    digests[id] = known[1] and (known[2] or '')
  end
  if digests[id] then
    words[#words + 1] = digests[id] == digest and 'exists' or 'conflict'
  else
    words[#words + 1], digests[id], missing[#missing + 1] = 'created', digest, i
    retried[i] = retry_of ~= '' and redis.call('HGET', run_prefix .. retry_of, 'state')
  end
end
-- One alone fails with its first write, while nothing is changed.
if #missing > 1 then
  check_streams(queue)
  check_sets(delayed)
end
check_sets(runs)
check_outbox()

local at, queued, made = now(), false, {}
for _, i in ipairs(missing) do
  local id, scheduled_at, digest, retry_of, parameters, tags, name, created_by, idempotency_key,
    parent, depth, revision = unpack(many, i, i + WIDTH - 1)
  local due, ticket = tonumber(scheduled_at) or at, ''
  if due <= at then
    ticket, queued = put_ticket(queue, 'queue', id), true
  else
    redis.call('ZADD', delayed, due, id)
  end
  create(run_prefix .. id, at, due, ticket, {
    'deployment', facts[1], 'name', name, 'parameters', parameters, 'tags', tags,
    'created_by', created_by, 'idempotency_key', idempotency_key, 'digest', digest,
    'retry_of', retry_of, 'parent', parent, 'depth', depth, 'revision', revision,
    'secrets', facts[2] or '', 'retention_days', facts[3] or '',
  })
  made[#made + 1], made[#made + 2] = at, id
  if retried[i] then redis.call('HSET', run_prefix .. retry_of, 'retried_as', id) end
end
index(runs, made)
if queued then redis.call('PUBLISH', control, 'queue') end
return words
