#!lua flags=allow-oom
-- KEYS  leader
-- ARGV  token ttl_ms
-- REPLY ok | taken
-- Leading is taken when free and renewed when held; an economy, nothing is safe because of it.
local holder = redis.call('GET', leader)
if holder and holder ~= token then return 'taken' end
redis.call('SET', leader, token, 'PX', ttl_ms)
return 'ok'
