#!lua flags=allow-oom
-- KEYS  run deployment leases runners delayed queue_first queue queue_late
-- ARGV  run_id
-- USES  clock tickets groups quarantine
-- REPLY ok | gone
-- What decides when the run goes on. Changes nothing.
-- Answers the word, now, how many leases there are, when a delayed run is due ('' when it is
-- not delayed), how many tickets come before its own ('' without one), the runners' names, for how
-- many milliseconds claims wait.
local MOST = 1000
local record = redis.call('HMGET', run, 'state', 'ticket')
if not record[1] then return {'gone'} end

-- Tickets that nobody took, up to an id: those behind where the group stands.
local function waiting(stream, upto)
  local last = delivered(stream)
  if last == nil then return 0 end
  local start = last and '(' .. last or '-'
  return #redis.call('XRANGE', stream, start, upto, 'COUNT', MOST)
end
local word, entry = place_of(record[2])
local ahead = ''
if word then
  ahead = 0
  for _, each in ipairs({{'first', queue_first}, {'queue', queue}, {'late', queue_late}}) do
    ahead = ahead + waiting(each[2], each[1] == word and '(' .. entry or '+')
    if each[1] == word then break end
  end
end
local names = {}
for _, field in ipairs(redis.call('HKEYS', runners)) do
  if not string.find(field, ':', 1, true) then names[#names + 1] = field end
end
local noted = redis.call('HGET', deployment, 'quarantine')
local wait = noted and quarantine_left(noted, runners, this_server()) or 0
return {'ok', string.format('%.0f', now()), tostring(redis.call('ZCARD', leases)),
  redis.call('ZSCORE', delayed, run_id) or '', tostring(ahead), names, string.format('%.0f', wait)}
