#!lua flags=allow-oom
-- KEYS  run
-- ARGV  token awaited
-- USES  states
-- REPLY ok | lease_lost | gone
-- What a run waits for, by the holder of its lease only (I8): for people and for whoever looks for
-- runs that wait for each other. The next claim empties it.
local record = redis.call('HMGET', run, 'state', 'token')
if not record[1] then return 'gone' end
if record[2] ~= token or not CLAIMED[record[1]] then return 'lease_lost' end
redis.call('HSET', run, 'waiting_for', awaited)
return 'ok'
