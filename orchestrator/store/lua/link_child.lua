#!lua
-- KEYS  run children
-- ARGV  token child
-- USES  states
-- REPLY ok | lease_lost | gone
-- Notes that a run asks for another, before that is made in its own slot: whoever dies in between
-- leaves a name too many, never a child that nobody knows. By the holder of the parent's lease
-- only (I8), once per child (I15). The score is the child's number, from 1.
local record = redis.call('HMGET', run, 'state', 'token')
if not record[1] then return 'gone' end
if record[2] ~= token or not CLAIMED[record[1]] then return 'lease_lost' end
local number = redis.call('ZCARD', children) + 1
if redis.call('ZADD', children, 'NX', number, child) == 1 then
  redis.call('HSET', run, 'children', number)
end
return 'ok'
