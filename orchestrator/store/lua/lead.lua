#!lua flags=allow-oom
-- KEYS  leader
-- ARGV  token ttl_ms
-- REPLY ok | taken
-- Leading is taken when free and renewed when held; an economy, nothing is safe because of it.
-- One that would last longer than it ever should was stretched by a clock set back: it is free.
local holder = redis.call('GET', leader)
if holder and holder ~= token and redis.call('PTTL', leader) <= tonumber(ttl_ms) then
  return 'taken'
end
redis.call('SET', leader, token, 'PX', ttl_ms)
return 'ok'
