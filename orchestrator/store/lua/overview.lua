#!lua flags=allow-oom
-- KEYS  deployment leases queue_first queue queue_late delayed runs expiring schedules runners
-- ARGV  count
-- REPLY ok | gone
-- What the first page shows of one deployment. Changes nothing. Answers the word, the name, how many
-- runners, claimed runs, tickets and delayed runs there are; then, of each the first `count`: claimed
-- runs with their beats, tickets that wait, delayed runs with their times, those that ended last with
-- when they expire, active schedules with their next instants; and when the newest run was created.
-- Of one that is idle, as most of many are, little more is asked than that.
local facts = redis.call('HMGET', deployment, 'name', 'paused', 'has_schedules')
if not facts[1] then return {'gone'} end
local is_quiet = redis.call('EXISTS', leases, queue_first, queue, queue_late, delayed) == 0

local registered = 0
for _, field in ipairs(redis.call('HKEYS', runners)) do
  if not string.find(field, ':', 1, true) then registered = registered + 1 end
end

local heads, tickets = {}, 0
for _, stream in ipairs(is_quiet and {} or {queue_first, queue, queue_late}) do
  local length = redis.call('XLEN', stream)
  tickets = tickets + length
  if length > 0 then
    for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', count)) do
      local run_id = entry[2][2]
      if not redis.call('ZSCORE', leases, run_id) then heads[#heads + 1] = run_id end
    end
  end
end

local claimed = is_quiet and 0 or redis.call('ZCARD', leases)
local later = is_quiet and 0 or redis.call('ZCARD', delayed)
local holding, due = {}, {}
if claimed > 0 then holding = redis.call('ZREVRANGE', leases, 0, count - 1, 'WITHSCORES') end
if later > 0 then due = redis.call('ZRANGE', delayed, 0, count - 1, 'WITHSCORES') end

local planned = {}
if facts[2] ~= '1' and facts[3] == '1' then
  local rules = redis.call('HGETALL', schedules)
  local values = {}
  for at = 1, #rules, 2 do values[rules[at]] = rules[at + 1] end
  for field, value in pairs(values) do
    local slug = string.match(field, '^(.*):next$')
    if slug and value ~= '' and values[slug .. ':active'] == '1' then
      planned[#planned + 1] = {tonumber(value), slug, value}
    end
  end
end
table.sort(planned, function(one, other) return one[1] < other[1] end)
local nearest = {}
for i = 1, math.min(#planned, tonumber(count)) do
  nearest[#nearest + 1], nearest[#nearest + 2] = planned[i][2], planned[i][3]
end

local newest = redis.call('ZREVRANGE', runs, 0, 0, 'WITHSCORES')
local ended = newest[2] and redis.call('ZREVRANGE', expiring, 0, count - 1, 'WITHSCORES') or {}
return {
  'ok', facts[1], registered, claimed, tickets, later, holding, heads, due,
  ended, nearest, newest[2] or '',
}
