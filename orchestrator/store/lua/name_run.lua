#!lua flags=allow-oom
-- KEYS  run
-- ARGV  token name
-- USES  states
-- REPLY ok | named | lease_lost | gone
-- The name that its flow gives a run, by the holder of its lease only (I8). A name that it has
-- already stays.
local record = redis.call('HMGET', run, 'state', 'token', 'name')
if not record[1] then return 'gone' end
if record[2] ~= token or not CLAIMED[record[1]] then return 'lease_lost' end
if record[3] and record[3] ~= '' then return 'named' end
redis.call('HSET', run, 'name', name)
return 'ok'
