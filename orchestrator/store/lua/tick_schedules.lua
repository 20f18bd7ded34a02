#!lua
-- KEYS  deployment schedules queue_first queue queue_late runs delayed expiring stopping outbox
-- ARGV  retention_ms run_prefix log_prefix children_prefix control ended many...
-- USES  clock outbox history states tickets creation guards ending overlaps
-- REPLY ok | stale | paused | gone
-- Occurrences of some schedules become runs and the cursors move, in one step: any number of
-- schedulers makes each once (I2), none inside a pause (I10). A cursor never moves back. Where runs of
-- a schedule must not overlap, it is decided here what becomes of each occurrence: a run now, one that
-- waits for those before it, or a Skipped one.
-- `many` is of each schedule its slug, generation, cursor seen, cursor, next instant, overlap, how many
-- texts follow, and these: run, due, parameters, late of each occurrence.
-- Answers a word for each schedule; `paused` and `gone` are one for all.
local MOST_OPEN, HEAD, WIDTH = 100, 7, 4
local facts = redis.call('HMGET', deployment, 'name', 'tags', 'paused', 'secrets',
  'retention_days')
if not facts[1] then return {'gone'} end
if facts[3] == '1' then return {'paused'} end

local asked, fields, first = {}, {}, 1
while many[first] do
  local slug, generation, seen, cursor, next_ms, overlap, count = unpack(many, first, first + HEAD - 1)
  asked[#asked + 1] = {slug = slug, generation = generation, cursor_seen = seen, cursor = cursor,
    next_ms = next_ms, overlap = overlap, first = first + HEAD, after = first + HEAD + count}
  for _, field in ipairs({':generation', ':cursor', ':active', ':open'}) do
    fields[#fields + 1] = slug .. field
  end
  first = first + HEAD + count
end
local rules, words, ticks, ids = redis.call('HMGET', schedules, unpack(fields)), {}, {}, {}
for n, tick in ipairs(asked) do
  local generation, cursor, active, open = unpack(rules, 4 * n - 3, 4 * n)
  words[n] = 'stale'
  if generation == tick.generation and cursor == tick.cursor_seen and active == '1'
      and tonumber(tick.cursor) >= tonumber(cursor) then
    words[n], ticks[#ticks + 1], tick.noted = 'ok', tick, open
    for i = tick.first, tick.after - 1, WIDTH do ids[#ids + 1] = many[i] end
  end
end
if #ticks == 0 then return words end

local at, known, uses = now(), existing(run_prefix, ids), {}
for _, tick in ipairs(ticks) do
  tick.missing, tick.open = {}, {}
  for i = tick.first, tick.after - 1, WIDTH do
    if not known[many[i]] then
      tick.missing[#tick.missing + 1] = i
      uses[tonumber(many[i + 1]) > at and delayed or many[i + 3] == '1' and queue_late or queue] = true
    end
  end
  if tick.overlap ~= 'allow' then
    tick.open = open_runs(tick.noted, run_prefix)
    uses.all = true
    for _, run in ipairs(tick.open) do
      check_family(run.children, children_prefix .. run.id, stopping)
    end
  end
end
if uses.all then check_streams(queue_first) end
for _, stream in ipairs({queue, queue_late}) do
  if uses.all or uses[stream] then check_streams(stream) end
end
if uses.all or uses[delayed] then check_sets(delayed) end
if uses.all then check_sets(expiring) end
check_sets(runs)
check_outbox()

local streams = {first = queue_first, queue = queue, late = queue_late}
local queued, cancelled, made, moved = false, false, {}, {}
local function cancel_open(tick)
  local still, because = {}, 'cancelled by the next run of schedule ' .. tick.slug
  for _, run in ipairs(tick.open) do
    local key, requested = run_prefix .. run.id, {
      'cancel_requested_by', 'schedule:' .. tick.slug, 'cancel_requested_at', at,
    }
    if CLAIMED[run.state] then
      still[#still + 1] = run
      if run.state ~= 'Cancelling' then
        change(key, run.history, at, 'Cancelling', run.attempt, run.runner, because, requested)
        part(run.id, 'Cancelling', run.children, stopping)
        cancelled = true
      end
    else
      for _, text in ipairs({'ended_at', at, 'ticket', ''}) do requested[#requested + 1] = text end
      redis.call('ZREM', delayed, run.id)
      drop_ticket(run.ticket, streams)
      change(key, run.history, at, 'Cancelled', run.attempt, '', because, requested)
      part(run.id, 'Cancelled', run.children, stopping)
      conclude(run.id, at, run.retention_days, retention_ms, ended, {run = key,
        log = log_prefix .. run.id, children = run.children and children_prefix .. run.id, expiring = expiring})
    end
  end
  tick.open = still
end

-- What becomes of the n-th missing occurrence of a tick, and why.
local RUN, WAIT, SKIP = 'run', 'wait', 'skip'
local function fate(tick, n)
  local is_last = n == #tick.missing
  if tick.overlap == 'cancel_running' and is_last then cancel_open(tick) end
  local open = tick.open
  if tick.overlap == 'cancel_running' and not is_last then
    return SKIP, 'overlap: a later instant is due as well'
  elseif #open > 0 and tick.overlap == 'skip' then
    return SKIP, 'overlap: run ' .. open[#open].id .. ' is not over'
  elseif #open >= MOST_OPEN then
    return SKIP, 'overlap: ' .. MOST_OPEN .. ' runs wait already'
  elseif #open > 0 then
    return WAIT, 'overlap: waits for the end of run ' .. open[#open].id
  end
  return RUN, ''
end
local function make(tick, n)
  local id, due, parameters, late = unpack(many, tick.missing[n], tick.missing[n] + WIDTH - 1)
  local key, ticket, what, why = run_prefix .. id, '', fate(tick, n)
  if what == RUN and tonumber(due) <= at then
    ticket = late == '1' and put_ticket(queue_late, 'late', id) or put_ticket(queue, 'queue', id)
    queued = true
  elseif what == RUN then
    redis.call('ZADD', delayed, due, id)
  elseif what == WAIT then
    redis.call('ZADD', delayed, math.max(tonumber(due), at + LOOK_AGAIN_MS), id)
  end
  local history = create(key, at, due, ticket, {
    'deployment', facts[1], 'name', '', 'parameters', parameters, 'tags', facts[2],
    'created_by', 'schedule:' .. tick.slug, 'idempotency_key', '', 'digest', '',
    'secrets', facts[4] or '', 'retention_days', facts[5] or '',
    'waits', what == WAIT and '1' or '',
  }, what == WAIT and why)
  made[#made + 1], made[#made + 2] = at, id
  if what == SKIP then
    change(key, history, at, 'Skipped', 0, '', why, {'ended_at', at})
    conclude(id, at, facts[5], retention_ms, ended,
      {run = key, log = log_prefix .. id, expiring = expiring})
  elseif tick.overlap ~= 'allow' then
    tick.open[#tick.open + 1] = {id = id, state = 'Scheduled'}
  end
end

for _, tick in ipairs(ticks) do
  for n = 1, #tick.missing do make(tick, n) end
  local noted = {}
  for _, run in ipairs(tick.open) do noted[#noted + 1] = run.id end
  for _, text in ipairs({tick.slug .. ':cursor', tick.cursor, tick.slug .. ':next', tick.next_ms,
    tick.slug .. ':open', table.concat(noted, ' ')}) do moved[#moved + 1] = text end
end
index(runs, made)
redis.call('HSET', schedules, unpack(moved))
if queued then redis.call('PUBLISH', control, 'queue') end
if cancelled then redis.call('PUBLISH', control, 'runs') end
return words
