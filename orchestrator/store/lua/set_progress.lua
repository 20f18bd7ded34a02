#!lua flags=allow-oom
-- KEYS  run
-- ARGV  token progress
-- USES  states
-- REPLY ok | lease_lost | gone
-- How far a run has come, by the holder of its lease only (I8).
local record = redis.call('HMGET', run, 'state', 'token')
if not record[1] then return 'gone' end
if record[2] ~= token or not CLAIMED[record[1]] then return 'lease_lost' end
redis.call('HSET', run, 'progress', progress)
return 'ok'
