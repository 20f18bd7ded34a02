#!lua flags=allow-oom
-- KEYS  deployment leases queue_first queue queue_late delayed runs expiring schedules runners
-- ARGV  count
-- REPLY ok | gone
-- What the first page shows of one deployment. Changes nothing. Answers the word, the name, how many
-- runners, claimed runs, tickets and delayed runs there are; then, of each the first `count`: claimed
-- runs with their beats, tickets that wait, delayed runs with their times, those that ended last with
-- when they expire, active schedules with their next instants; and when the newest run was created.
local facts = redis.call('HMGET', deployment, 'name', 'paused')
if not facts[1] then return {'gone'} end

local registered = 0
for _, field in ipairs(redis.call('HKEYS', runners)) do
  if not string.find(field, ':', 1, true) then registered = registered + 1 end
end

local heads, tickets = {}, 0
for _, stream in ipairs({queue_first, queue, queue_late}) do
  local length = redis.call('XLEN', stream)
  tickets = tickets + length
  if length > 0 then
    for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', count)) do
      local run_id = entry[2][2]
      if not redis.call('ZSCORE', leases, run_id) then heads[#heads + 1] = run_id end
    end
  end
end

local claimed, later = redis.call('ZCARD', leases), redis.call('ZCARD', delayed)
local holding, due = {}, {}
if claimed > 0 then holding = redis.call('ZREVRANGE', leases, 0, count - 1, 'WITHSCORES') end
if later > 0 then due = redis.call('ZRANGE', delayed, 0, count - 1, 'WITHSCORES') end

local planned = {}
if facts[2] ~= '1' then
  local rules = redis.call('HGETALL', schedules)
  local values = {}
  for at = 1, #rules, 2 do values[rules[at]] = rules[at + 1] end
  for field, value in pairs(values) do
    local slug = string.match(field, '^(.*):next$')
    if slug and value ~= '' and values[slug .. ':active'] == '1' then
      planned[#planned + 1] = slug
      planned[#planned + 1] = value
    end
  end
end

local newest = redis.call('ZREVRANGE', runs, 0, 0, 'WITHSCORES')
return {
  'ok', facts[1], registered, claimed, tickets, later, holding, heads, due,
  redis.call('ZREVRANGE', expiring, 0, count - 1, 'WITHSCORES'), planned, newest[2] or '',
}
