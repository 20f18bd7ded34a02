#!lua flags=allow-oom
-- KEYS  deployment delayed queue_first queue queue_late
-- ARGV  by place after retention_ms run_prefix log_prefix ended
-- USES  clock history tickets ending
-- REPLY ok | unchanged | gone
-- No occurrence is written any more (I10), and runs of schedules that nobody began end as Skipped,
-- one page a call. A pause by a person is never turned into one by a shutdown.
-- Answers the word, how many were skipped, and where the next page begins ('' when done).
local PAGE = 200
local NEXT = {delayed = 'first', first = 'queue', queue = 'late', late = ''}
local facts = redis.call('HMGET', deployment, 'name', 'paused', 'paused_by')
if not facts[1] then return {'gone', '0', '', ''} end

local streams = {first = queue_first, queue = queue, late = queue_late}
local entries = {}
if place == 'delayed' then
  for _, id in ipairs(redis.call('ZRANGE', delayed, after, after + PAGE - 1)) do
    entries[#entries + 1] = {id = id, ticket = ''}
  end
else
  local start = after == '' and '-' or '(' .. after
  for _, entry in ipairs(redis.call('XRANGE', streams[place], start, '+', 'COUNT', PAGE)) do
    local ticket = place .. ' ' .. entry[1]
    entries[#entries + 1] = {id = entry[2][2], ticket = ticket, entry = entry[1]}
  end
end
local skipped = {}
for _, each in ipairs(entries) do
  local record = redis.call('HMGET', run_prefix .. each.id, 'state', 'attempt', 'created_by',
    'ticket', 'history')
  local scheduled = string.sub(record[3] or '', 1, 9) == 'schedule:'
  if scheduled and record[1] == 'Scheduled' and record[2] == '0' and record[4] == each.ticket then
    each.history = record[5]
    skipped[#skipped + 1] = each
  end
end

local word = 'unchanged'
if facts[2] ~= '1' or (by == 'user' and facts[3] ~= 'user') then
  redis.call('HSET', deployment, 'paused', 1, 'paused_by', by)
  word = 'ok'
end
redis.call('HDEL', deployment, 'pause_noted')
local at = #skipped > 0 and now()
for _, each in ipairs(skipped) do
  redis.call('ZREM', delayed, each.id)
  drop_ticket(each.ticket, streams)
  change(run_prefix .. each.id, each.history, at, 'Skipped', 0, '', 'paused', {
    'ended_at', at, 'ticket', '',
  })
  conclude(run_prefix .. each.id, log_prefix .. each.id, retention_ms, ended, each.id)
end

local next_place, next_after = place, ''
if #entries < PAGE then
  next_place = NEXT[place]
elseif place == 'delayed' then
  next_after = tostring(after + PAGE - #skipped)
else
  next_after = entries[#entries].entry
end
return {word, tostring(#skipped), next_place, next_after}
