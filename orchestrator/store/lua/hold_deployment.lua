#!lua flags=allow-oom
-- KEYS  deployment
-- ARGV  held by control
-- USES  clock
-- REPLY ok | unchanged | gone
-- Held: no claim and no start succeeds until released (I10); what runs goes on.
local facts = redis.call('HMGET', deployment, 'name', 'held')
if not facts[1] then return 'gone' end
if (facts[2] or '') == held then return 'unchanged' end
redis.call('HSET', deployment, 'held', held, 'held_by', by, 'held_at', now())
if held == '' then redis.call('PUBLISH', control, 'queue') end
return 'ok'
