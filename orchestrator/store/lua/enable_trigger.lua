#!lua flags=allow-oom
-- KEYS  deployment triggers progress outbox
-- ARGV  name enabled by
-- USES  clock triggers outbox
-- REPLY ok | unchanged | no_trigger | gone
-- A person enables or disables a trigger; serving again leaves it so. It begins to count anew.
if redis.call('HEXISTS', deployment, 'name') == 0 then return 'gone' end
local known = redis.call('HMGET', triggers, name .. '\nrule', name .. '\nenabled')
if not known[1] then return 'no_trigger' end
if known[2] == enabled then return 'unchanged' end
redis.call('HLEN', progress)
check_outbox()

redis.call('HSET', triggers, name .. '\nenabled', enabled, name .. '\nenabled_by', 'user',
  name .. '\nsince', now())
forget_progress(progress, name)
outdate_triggers(triggers)
happened(enabled == '1' and 'trigger.enabled' or 'trigger.disabled', 'trigger', name, 'by', by)
return 'ok'
