#!lua flags=allow-oom
-- KEYS  leader
-- ARGV  token
-- REPLY ok | not_leading
-- Whoever leads may let another lead at once.
if redis.call('GET', leader) ~= token then return 'not_leading' end
redis.call('DEL', leader)
return 'ok'
