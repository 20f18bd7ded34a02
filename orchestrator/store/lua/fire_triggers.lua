#!lua
-- KEYS  deployment triggers progress queue delayed runs outbox
-- ARGV  generation cursor_seen cursor work run_prefix control
-- USES  clock outbox history tickets creation guards
-- REPLY ok | stale | gone
-- What some events of the feed did to a deployment's triggers: their progress, the runs that they
-- make, and up to where the feed was read, in one step. So each firing makes its run once (I24),
-- however many schedulers read the feed, and wherever one of them dies. `work` is JSON:
-- progress {field, text or ''}, runs, failures {trigger, error, event, word, depth}.
local facts = redis.call('HMGET', deployment, 'name', 'secrets', 'tags', 'retention_days')
if not facts[1] then return 'gone' end
local known = redis.call('HMGET', triggers, '\ngeneration', '\ncursor')
if (known[1] or '') ~= generation or (known[2] or '') ~= cursor_seen then return 'stale' end
work = cjson.decode(work)
local missing, asked = {}, {}
for _, run in ipairs(work.runs) do
  if not asked[run.id] and redis.call('EXISTS', run_prefix .. run.id) == 0 then
    missing[#missing + 1] = run
  end
  asked[run.id] = true
end
redis.call('HLEN', progress)
check_streams(queue)
check_sets(delayed, runs)
check_outbox()

local at, queued = now(), false
redis.call('HSET', triggers, '\ncursor', cursor)
for _, each in ipairs(work.progress) do
  if each[2] == '' then
    redis.call('HDEL', progress, each[1])
  else
    redis.call('HSET', progress, each[1], each[2])
  end
end
for _, run in ipairs(missing) do
  local due, ticket = at + run.after_ms, ''
  if run.after_ms > 0 then
    redis.call('ZADD', delayed, due, run.id)
  else
    ticket, queued = put_ticket(queue, 'queue', run.id), true
  end
  create(run_prefix .. run.id, at, due, ticket, {
    'deployment', facts[1], 'name', '', 'parameters', run.parameters, 'tags', facts[3],
    'created_by', 'trigger:' .. run.trigger, 'idempotency_key', run.key, 'digest', run.digest,
    'secrets', facts[2] or '', 'retention_days', facts[4] or '',
    'depth', run.depth, 'event', run.event,
  })
  redis.call('ZADD', runs, at, run.id)
  redis.call('HINCRBY', triggers, run.trigger .. '\nfired', 1)
  redis.call('HSET', triggers, run.trigger .. '\nfired_at', at, run.trigger .. '\nrun', run.id,
    run.trigger .. '\nerror', '')
end
for _, each in ipairs(work.failures) do
  redis.call('HSET', triggers, each.trigger .. '\nerror', each.error)
  happened(each.word, 'trigger', each.trigger, 'error', each.error, 'cause', each.event, 'depth',
    each.depth)
end
if queued then redis.call('PUBLISH', control, 'queue') end
return 'ok'
