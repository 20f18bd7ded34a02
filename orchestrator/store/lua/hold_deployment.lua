#!lua flags=allow-oom
-- KEYS  deployment outbox
-- ARGV  held by control
-- USES  clock outbox
-- REPLY ok | unchanged | gone
-- Held: no claim and no start succeeds until released (I10); what runs goes on.
local facts = redis.call('HMGET', deployment, 'name', 'held')
if not facts[1] then return 'gone' end
if (facts[2] or '') == held then return 'unchanged' end
check_outbox()

redis.call('HSET', deployment, 'held', held, 'held_by', by, 'held_at', now())
if held == '' then redis.call('PUBLISH', control, 'queue') end
happened(held == '' and 'deployment.released' or 'deployment.held', 'by', by)
return 'ok'
