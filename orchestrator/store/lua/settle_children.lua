#!lua flags=allow-oom
-- KEYS  stopping
-- ARGV  run_id seen
-- REPLY ok | more
-- The first `seen` children of a run were cancelled: it leaves `stopping`, unless more of them were
-- noted meanwhile.
local wanted = tonumber(redis.call('ZSCORE', stopping, run_id) or 0)
if wanted > tonumber(seen) then return 'more' end
redis.call('ZREM', stopping, run_id)
return 'ok'
