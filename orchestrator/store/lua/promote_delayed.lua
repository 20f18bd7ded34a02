#!lua flags=allow-oom
-- KEYS  delayed queue schedules
-- ARGV  limit run_prefix control
-- USES  clock states tickets overlaps
-- REPLY ok
-- Delayed runs whose time has come get their ticket; the state stays (Scheduled, AwaitingRetry).
-- One that waits for earlier runs of its schedule is looked at again soon while these are not over.
-- Answers the word, how many were queued, and when the next is due.
local at = now()
local records, open_of = {}, {}
local due = redis.call('ZRANGE', delayed, '-inf', at, 'BYSCORE', 'LIMIT', 0, limit)
for _, id in ipairs(due) do
  records[id] = redis.call('HMGET', run_prefix .. id, 'state', 'ticket', 'waits', 'created_by')
  local slug = string.match(records[id][4] or '', '^schedule:(.*)$')
  if slug and records[id][3] == '1' and not open_of[slug] then
    open_of[slug] = open_runs(redis.call('HGET', schedules, slug .. ':open'), run_prefix)
  end
end
-- Whether it is not the first of its schedule's runs that are not over. Without a note (the
-- schedule was deleted) nothing is waited for.
local function is_blocked(id, record)
  if record[3] ~= '1' or record[1] ~= 'Scheduled' then return false end
  local slug = string.match(record[4], '^schedule:(.*)$')
  local first = open_of[slug][1]
  if not first or first.id == id then return false end
  for _, run in ipairs(open_of[slug]) do
    if run.id == id then return true end
  end
  return false
end

local queued = 0
for _, id in ipairs(due) do
  local record = records[id]
  if WAITING[record[1]] and (record[2] or '') == '' and is_blocked(id, record) then
    redis.call('ZADD', delayed, at + LOOK_AGAIN_MS, id)
  else
    if WAITING[record[1]] and (record[2] or '') == '' then
      redis.call('HSET', run_prefix .. id, 'ticket', put_ticket(queue, 'queue', id))
      queued = queued + 1
    end
    redis.call('ZREM', delayed, id)
  end
end
if queued > 0 then redis.call('PUBLISH', control, 'queue') end
local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return {'ok', tostring(queued), first[2] or ''}
