#!lua flags=allow-oom
-- KEYS  leases delayed queue_first queue queue_late runs expiring
-- ARGV  place after retention_ms only_look run_prefix control
-- USES  clock states tickets groups guards ending
-- REPLY ok
-- One page of a walk over everything that leads to runs, and over the runs. After a whole walk each
-- open run has one path (I12) and nothing leads elsewhere (I13, I14); without damage nothing was
-- changed (I22). States stay as they are: a run that waits gets its ticket or delay, a claimed one
-- its place among the leases. The latter needs no pending ticket to go on, and gets none.
-- `only_look`: the same walk, and nothing is changed.
-- Answers the word, where the next page begins ('' when done), and each difference as {run, what}.
local PAGE = 100
local NEXT = {leases = 'delayed', delayed = 'first', first = 'queue', queue = 'late', late = 'runs',
  runs = 'expiring', expiring = ''}
local streams = {first = queue_first, queue = queue, late = queue_late}
local sets = {leases = leases, delayed = delayed, runs = runs, expiring = expiring}
local at = now()

local function is_later(one, other)
  local ms, number = string.match(one, '(%d+)-(%d+)')
  local other_ms, other_number = string.match(other, '(%d+)-(%d+)')
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(number) > tonumber(other_number)
end
local last = {}
for word, stream in pairs(streams) do
  check_streams(stream)
  last[word] = delivered(stream) or '0-0'
end
-- Whether the run's own ticket is 'waiting' or 'taken'; nil when it is nowhere.
local function standing(id, ticket)
  local word, entry = place_of(ticket)
  if not word then return nil end
  local found = redis.call('XRANGE', streams[word], entry, entry)[1]
  if not found or found[2][2] ~= id then return nil end
  return is_later(entry, last[word]) and 'waiting' or 'taken'
end
local function read(id)
  local key = run_prefix .. id
  local values = redis.call('HMGET', key, 'state', 'ticket', 'scheduled_at', 'created_at',
    'last_word', 'waits', 'retention_days')
  local record = {id = id, key = key, state = values[1], ticket = values[2] or '',
    created_at = values[4], life = redis.call('PTTL', key)}
  for name, set in pairs(sets) do record[name] = redis.call('ZSCORE', set, id) end
  record.is_waiting, record.is_claimed = WAITING[values[1]], CLAIMED[values[1]]
  record.standing = standing(id, record.ticket)
  record.due = tonumber(string.match(values[5] or '', '^finish retry (%d+)$') or values[3])
  record.waits, record.days = values[6] == '1', values[7]
  return record
end

local page = {}
if streams[place] then
  local start = after == '' and '-' or '(' .. after
  for _, entry in ipairs(redis.call('XRANGE', streams[place], start, '+', 'COUNT', PAGE)) do
    page[#page + 1] = {id = entry[2][2], entry = entry[1]}
  end
else
  local from = tonumber(after) or 0
  for _, id in ipairs(redis.call('ZRANGE', sets[place], from, from + PAGE - 1)) do
    page[#page + 1] = {id = id}
  end
end
local records = {}
for _, each in ipairs(page) do records[each.id] = records[each.id] or read(each.id) end

local differences, queued, removed = {}, false, 0
local repairs = only_look == ''
local function note(id, what) differences[#differences + 1] = {id, what} end
local function write(...) if repairs then redis.call(...) end end
local function put(name, record, score)
  if record[name] then return end
  write('ZADD', sets[name], score, record.id)
  note(record.id, 'missing in ' .. name)
end
local function remove(name, record)
  if not record[name] then return end
  write('ZREM', sets[name], record.id)
  note(record.id, 'wrongly in ' .. name)
  if name == place and repairs then removed = removed + 1 end
end
local function give_path(record)
  if record.waits or (record.due and record.due > at) then
    put('delayed', record, math.max(record.due or at, at))
    write('HSET', record.key, 'ticket', '')
    return
  end
  note(record.id, 'waits without ticket')
  if repairs then
    write('HSET', record.key, 'ticket', put_ticket(queue, 'queue', record.id))
    queued = true
  end
end
local function mend_open(record)
  put('runs', record, record.created_at or at)
  remove('expiring', record)
  if record.life >= 0 then
    write('PERSIST', record.key)
    note(record.id, 'open, and its record expires')
  end
  if record.is_claimed then
    remove('delayed', record)
    put('leases', record, at)
    return
  end
  remove('leases', record)
  if record.standing == 'waiting' then
    remove('delayed', record)
  elseif not record.delayed then
    give_path(record)
  elseif record.ticket ~= '' then
    write('HSET', record.key, 'ticket', '')
  end
end
local function mend(record)
  if record.is_waiting or record.is_claimed then return mend_open(record) end
  remove('leases', record)
  remove('delayed', record)
  if record.state then
    local life = record.life >= 0 and record.life or kept_ms(record.days, retention_ms)
    if record.life < 0 then
      write('PEXPIRE', record.key, string.format('%.0f', life))
      note(record.id, 'over, and its record never expires')
    end
    put('runs', record, record.created_at or at)
    put('expiring', record, at + life)
  elseif not record.expiring or tonumber(record.expiring) > at + 1000 then
    -- It did not expire: that would have been its time, and the sweep's matter.
    remove('runs', record)
    remove('expiring', record)
  end
end
local function leads_to(record, word, entry)
  if record.ticket ~= word .. ' ' .. entry then return false end
  return (record.is_waiting and record.standing == 'waiting')
    or (record.is_claimed and record.standing == 'taken')
end
for _, each in ipairs(page) do
  local record = records[each.id]
  if not record.mended then mend(record) end
  record.mended = true
end
for _, each in ipairs(page) do
  if each.entry and not leads_to(records[each.id], place, each.entry) then
    if repairs then drop_ticket(place .. ' ' .. each.entry, streams) end
    note(each.id, 'ticket ' .. each.entry .. ' leads nowhere')
  end
end
if queued then redis.call('PUBLISH', control, 'queue') end

local next_place, next_after = place, ''
if #page < PAGE then
  next_place = NEXT[place]
elseif streams[place] then
  next_after = page[#page].entry
else
  next_after = string.format('%.0f', (tonumber(after) or 0) + PAGE - removed)
end
return {'ok', next_place, next_after, unpack(differences)}
