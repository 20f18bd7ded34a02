#!lua flags=allow-oom
-- KEYS  attention
-- ARGV  id at_ms changed
-- REPLY ok | unchanged
-- The scheduler looks at `id` at `at_ms` or earlier, and is woken when that is news.
local lowered = redis.call('ZADD', attention, 'LT', 'CH', at_ms, id)
if lowered == 0 then return 'unchanged' end
redis.call('PUBLISH', changed, 'look')
return 'ok'
