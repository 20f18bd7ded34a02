#!lua flags=allow-oom
-- KEYS  deployment schedules triggers progress versions runners leases delayed queue_first queue queue_late runs expiring stopping hooks outbox
-- ARGV  begun force run_prefix log_prefix children_prefix control ended
-- USES  states tickets guards registered outbox
-- REPLY ok | more | served | running | revived | gone
-- Definition, schedules and runners go first, so that nothing is asked for, claimed or registered
-- any more; then the runs, one page a call, each with all that leads to it (I14): what a deletion
-- that breaks off leaves can still be run, or deleted. Whoever holds a lease finds it lost at its
-- next beat. `begun`: a later call of one deletion, which ends when somebody serves the name again.
-- Answers the word and how many runs were deleted.
local PAGE = 200
local name = redis.call('HGET', deployment, 'name')
local exists = name and true or false
if exists and begun == '1' then return {'revived', '0'} end
local served, claimed = others(runners, ''), redis.call('ZCARD', leases)
if begun ~= '1' and force ~= '1' then
  if served > 0 then return {'served', '0'} end
  if claimed > 0 then return {'running', '0'} end
end
local records = {}
for _, id in ipairs(redis.call('ZRANGE', runs, 0, PAGE - 1)) do
  records[#records + 1] = {id, unpack(redis.call('HMGET', run_prefix .. id, 'state', 'ticket'))}
end
local number = 0
local streams = {first = queue_first, queue = queue, late = queue_late}
local left = redis.call('XLEN', queue_first) + redis.call('XLEN', queue)
  + redis.call('XLEN', queue_late) + redis.call('ZCARD', delayed) + redis.call('ZCARD', expiring)
  + claimed
if not exists and begun ~= '1' and #records == 0 and left == 0 then return {'gone', '0'} end

check_outbox()

redis.call('UNLINK', deployment, schedules, runners, triggers, progress, versions)
if exists then happened('deployment.deleted', 'name', name) end
for _, record in ipairs(records) do
  local id, state, ticket = unpack(record)
  if state then number = number + 1 end
  redis.call('ZREM', leases, id)
  redis.call('ZREM', delayed, id)
  drop_ticket(ticket, streams)
  redis.call('UNLINK', run_prefix .. id, log_prefix .. id, children_prefix .. id)
  redis.call('ZREM', runs, id)
  redis.call('ZREM', expiring, id)
  if WAITING[state] or CLAIMED[state] then redis.call('PUBLISH', ended, id) end
end
if claimed > 0 then redis.call('PUBLISH', control, 'runs') end
if #records == PAGE then return {'more', tostring(number)} end
redis.call('UNLINK', leases, delayed, queue_first, queue, queue_late, runs, expiring,
  stopping, hooks)
return {'ok', tostring(number)}
