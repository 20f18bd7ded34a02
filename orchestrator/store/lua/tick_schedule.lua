#!lua
-- KEYS  deployment schedules queue_first queue queue_late runs delayed expiring stopping outbox
-- ARGV  slug generation cursor_seen cursor next_ms overlap retention_ms run_prefix log_prefix children_prefix control ended occurrences...
-- USES  clock outbox history states tickets creation guards ending overlaps
-- REPLY ok | stale | paused | gone
-- The occurrences (run, due, parameters, late, ...) become runs and the cursor moves, in one step:
-- any number of schedulers makes each once (I2), none inside a pause (I10). The cursor never moves
-- back. Where runs of the schedule must not overlap, it is decided here what becomes of each
-- occurrence: a run now, one that waits for those before it, or a Skipped one.
local MOST_OPEN = 100
local facts = redis.call('HMGET', deployment, 'name', 'tags', 'paused', 'secrets',
  'retention_days')
if not facts[1] then return 'gone' end
if facts[3] == '1' then return 'paused' end
local rule = redis.call('HMGET', schedules, slug .. ':generation', slug .. ':cursor',
  slug .. ':active', slug .. ':open')
if rule[1] ~= generation or rule[2] ~= cursor_seen or rule[3] ~= '1' then return 'stale' end
if tonumber(cursor) < tonumber(cursor_seen) then return 'stale' end
local missing = {}
for i = 1, #occurrences, 4 do
  if redis.call('EXISTS', run_prefix .. occurrences[i]) == 0 then missing[#missing + 1] = i end
end
local open = overlap ~= 'allow' and open_runs(rule[4], run_prefix) or {}
check_streams(queue_first, queue, queue_late)
check_sets(runs, delayed, expiring)
for _, run in ipairs(open) do
  check_family(run.children, children_prefix .. run.id, stopping)
end
check_outbox()

local at = now()
local streams = {first = queue_first, queue = queue, late = queue_late}
local because = 'cancelled by the next run of schedule ' .. slug
local cancelled = false
local function cancel_open()
  local still = {}
  for _, run in ipairs(open) do
    local key, requested = run_prefix .. run.id, {
      'cancel_requested_by', 'schedule:' .. slug, 'cancel_requested_at', at,
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
  open = still
end

-- What becomes of occurrence number n of this tick: run, wait or skip, and why.
local function fate(n)
  if overlap == 'cancel_running' and n == #missing then cancel_open() end
  local what, why = 'run', ''
  if overlap == 'cancel_running' and n < #missing then
    what, why = 'skip', 'overlap: a later instant is due as well'
  elseif #open > 0 and overlap == 'skip' then
    what, why = 'skip', 'overlap: run ' .. open[#open].id .. ' is not over'
  elseif #open >= MOST_OPEN then
    what, why = 'skip', 'overlap: ' .. MOST_OPEN .. ' runs wait already'
  elseif #open > 0 then
    what, why = 'wait', 'overlap: waits for the end of run ' .. open[#open].id
  end
  return what, why
end
local queued = false
for n, i in ipairs(missing) do
  local id, due, parameters, late = unpack(occurrences, i, i + 3)
  local key, what, why = run_prefix .. id, fate(n)
  local ticket = ''
  if what == 'run' and tonumber(due) <= at then
    ticket = late == '1' and put_ticket(queue_late, 'late', id) or put_ticket(queue, 'queue', id)
    queued = true
  elseif what == 'run' then
    redis.call('ZADD', delayed, due, id)
  elseif what == 'wait' then
    redis.call('ZADD', delayed, math.max(tonumber(due), at + LOOK_AGAIN_MS), id)
  end
  local history = create(key, at, due, ticket, {
    'deployment', facts[1], 'name', '', 'parameters', parameters, 'tags', facts[2],
    'created_by', 'schedule:' .. slug, 'idempotency_key', '', 'digest', '',
    'secrets', facts[4] or '', 'retention_days', facts[5] or '',
    'waits', what == 'wait' and '1' or '',
  }, what == 'wait' and why)
  redis.call('ZADD', runs, at, id)
  if what == 'skip' then
    change(key, history, at, 'Skipped', 0, '', why, {'ended_at', at})
    conclude(id, at, facts[5], retention_ms, ended,
      {run = key, log = log_prefix .. id, expiring = expiring})
  elseif overlap ~= 'allow' then
    open[#open + 1] = {id = id, state = 'Scheduled'}
  end
end
local noted = {}
for _, run in ipairs(open) do noted[#noted + 1] = run.id end
redis.call('HSET', schedules, slug .. ':cursor', cursor, slug .. ':next', next_ms,
  slug .. ':open', table.concat(noted, ' '))
if queued then redis.call('PUBLISH', control, 'queue') end
if cancelled then redis.call('PUBLISH', control, 'runs') end
return 'ok'
