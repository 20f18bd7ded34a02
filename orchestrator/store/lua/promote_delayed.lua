#!lua flags=allow-oom
-- KEYS  delayed queue
-- ARGV  limit run_prefix control
-- USES  clock states tickets
-- REPLY ok
-- Delayed runs whose time has come get their ticket; the state stays (Scheduled, AwaitingRetry).
-- Answers the word, how many were queued, and when the next is due.
local at = now()
local records = {}
local due = redis.call('ZRANGE', delayed, '-inf', at, 'BYSCORE', 'LIMIT', 0, limit)
for _, id in ipairs(due) do
  records[id] = redis.call('HMGET', run_prefix .. id, 'state', 'ticket')
end

local queued = 0
for _, id in ipairs(due) do
  local record = records[id]
  if WAITING[record[1]] and (record[2] or '') == '' then
    redis.call('HSET', run_prefix .. id, 'ticket', put_ticket(queue, 'queue', id))
    queued = queued + 1
  end
  redis.call('ZREM', delayed, id)
end
if queued > 0 then redis.call('PUBLISH', control, 'queue') end
local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return {'ok', tostring(queued), first[2] or ''}
