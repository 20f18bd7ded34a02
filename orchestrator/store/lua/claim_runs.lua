#!lua flags=allow-oom
-- KEYS  deployment leases queue_first queue queue_late runners outbox
-- ARGV  run_prefix runner host version nonce count lease_ms control
-- USES  clock outbox history states tickets groups quarantine
-- REPLY ok | held | full | gone | unregistered | quarantined
-- Waiting -> Pending, for up to `count` runs. The ticket stays in the pending list until the run
-- is over or handed back. A nonce that came before answers what it got then (I15). No decision
-- rests on the pending list: the record says whether a ticket counts (I12).
-- Answers the word, whether more wait (quarantined: for how many milliseconds), and each run
-- (quarantined: which server this is).
local CONTENT = {'state', 'ticket', 'begin_as', 'epoch', 'history', 'token', 'attempt',
  'parameters', 'tags', 'name', 'scheduled_at', 'created_by', 'deployment', 'failures', 'parent',
  'depth', 'children', 'revision'}
local function read(id)
  local values, record = redis.call('HMGET', run_prefix .. id, unpack(CONTENT)), {id = id}
  for i, name in ipairs(CONTENT) do record[name] = values[i] end
  return record
end
local function claimed(record, token, attempt)
  return {record.id, token, attempt, record.parameters, record.tags, record.name,
    record.scheduled_at, record.created_by or '', record.deployment, record.failures,
    record.parent or '', record.depth or '0', record.children or '0', record.revision}
end

local mine = redis.call('HMGET', runners, runner, runner .. ':claim')
local facts = redis.call('HMGET', deployment, 'name', 'held', 'concurrency_limit',
  'server', 'quarantine')
local earlier, ids = string.match(mine[2] or '', '^(%S+)(.*)$')
if earlier == nonce then
  local again = {'ok', '0'}
  for id in string.gmatch(ids, '%S+') do
    local record = read(id)
    local token = tostring(record.epoch) .. '.' .. nonce
    if CLAIMED[record.state] and record.token == token then
      again[#again + 1] = claimed(record, token, record.attempt)
    end
  end
  return again
end
if not facts[1] then return {'gone', '0'} end
if not mine[1] then return {'unregistered', '0'} end
if facts[2] == '1' then return {'held', '0'} end
local wait, here = claims_wait(facts[4], facts[5], deployment, runners, control, lease_ms)
if wait > 0 then return {'quarantined', string.format('%.0f', wait), here} end
local room, limit = tonumber(count), tonumber(facts[3])
if limit then
  room = math.min(room, limit - redis.call('ZCARD', leases))
  if room <= 0 then return {'full', '0'} end
end

local function peek(stream, word, most)
  local found = {stream = stream, stale = {}, take = {}}
  local last = delivered(stream)
  if last == nil then return found end
  found.without_group = not last
  local start = last and '(' .. last or '-'
  for _, entry in ipairs(redis.call('XRANGE', stream, start, '+', 'COUNT', most)) do
    local record = read(entry[2][2])
    if WAITING[record.state] and record.ticket == word .. ' ' .. entry[1] then
      found.take[#found.take + 1] = record
    else
      found.stale[#found.stale + 1] = entry[1]
    end
  end
  return found
end

local found, more = {}, '0'
local left = room
local queues = {{queue, 'queue'}}
if redis.call('EXISTS', queue_first, queue_late) > 0 then
  queues = {{queue_first, 'first'}, {queue, 'queue'}, {queue_late, 'late'}}
end
for _, each in ipairs(queues) do
  local peeked = peek(each[1], each[2], left + 1)
  if #peeked.take + #peeked.stale > left then more = '1' end
  while #peeked.take > left do table.remove(peeked.take) end
  left = left - #peeked.take
  found[#found + 1] = peeked
  if more == '1' then break end
end

local at, leased = nil, {}
for _, each in ipairs(found) do
  for _, record in ipairs(each.take) do
    at = at or now()
    leased[#leased + 1] = at
    leased[#leased + 1] = record.id
  end
end
if #leased > 0 then check_outbox() end
-- The first write: a key of another type fails while nothing is changed (F20).
if #leased > 0 then redis.call('ZADD', leases, unpack(leased)) end
local answer, noted = {'ok', more}, nonce
for _, each in ipairs(found) do
  if each.without_group then redis.call('XGROUP', 'CREATE', each.stream, GROUP, 0, 'MKSTREAM') end
  if #each.stale > 0 then redis.call('XDEL', each.stream, unpack(each.stale)) end
  if #each.take > 0 then
    redis.call('XREADGROUP', 'GROUP', GROUP, runner, 'COUNT', #each.take, 'STREAMS', each.stream, '>')
  end
  for _, record in ipairs(each.take) do
    local epoch = tonumber(record.epoch) + 1
    local token = epoch .. '.' .. nonce
    change(run_prefix .. record.id, record.history, at, 'Pending', record.begin_as, runner, '', {
      'attempt', record.begin_as, 'epoch', epoch, 'token', token, 'beat', 0, 'lease_ms', lease_ms,
      'runner', runner, 'host', host, 'version', version, 'claimed_at', at, 'started_at', '',
      'pid', '', 'last_word', '', 'waiting_for', '', 'limited', limit and '1' or '',
    })
    answer[#answer + 1] = claimed(record, token, record.begin_as)
    noted = noted .. ' ' .. record.id
  end
end
if #answer > 2 then redis.call('HSET', runners, runner .. ':claim', noted) end
return answer
