#!lua flags=allow-oom
-- KEYS  deployment leases runs schedules runners delayed queue_first queue queue_late expiring stopping hooks
-- ARGV  runner run_prefix thorough others
-- USES  clock tickets groups
-- REPLY ok | gone
-- Everything of a deployment that may need care, in one look, which counts the runner's beat. An
-- idle deployment costs few commands: only a `thorough` look finds the last four, and when its
-- schedules are due.
-- `others` and a thorough look see the leases and the runners: what that costs grows with their
-- number. Without it there is only `runner` itself, and of tickets whether there is one.
-- `odd`: there are not as many paths as open runs, or one leads astray (I12, I13; repair_deployment).
-- `expired`: the time of some ended runs is over (sweep_runs).
-- Answers the word, held, paused, tickets nobody took, when the scheduler must look, the leases as
-- {run, token, beat, lease_ms}, the runners as {name, beat}, whether `runner` is to drain, odd,
-- expired, runs whose children are to be cancelled, whether hooks are owed (take_hooks).
local facts = redis.call('HMGET', deployment, 'name', 'held', 'paused', 'has_schedules')
local is_quiet = redis.call('EXISTS', leases, delayed, queue_first, queue_late) == 0

local watches = others == '1' or thorough == '1'
local held_leases, leased, odd = {}, {}, false
for _, id in ipairs(watches and not is_quiet and redis.call('ZRANGE', leases, 0, -1) or {}) do
  local record = redis.call('HMGET', run_prefix .. id, 'token', 'beat', 'lease_ms')
  leased[id] = record[1]
  if record[1] then held_leases[#held_leases + 1] = {id, record[1], record[2], record[3]} end
  odd = odd or not record[1]
end

local beats, registered, drain = {}, {}, ''
local flat = watches and redis.call('HGETALL', runners) or {}
for i = 1, #flat, 2 do
  local field = flat[i]
  local colon = string.find(field, ':', 1, true)
  if not colon then
    registered[#registered + 1] = field
  elseif string.find(field, ':beat', colon, true) then
    beats[string.sub(field, 1, colon - 1)] = flat[i + 1]
  elseif field == runner .. ':drain' then
    drain = '1'
  end
end
if not watches then
  local own = redis.call('HMGET', runners, runner, runner .. ':drain')
  if own[1] then registered[1] = runner end
  drain = own[2] and '1' or ''
end

local waiting = 0
for _, stream in ipairs(is_quiet and {queue} or {queue_first, queue, queue_late}) do
  local length = redis.call('XLEN', stream)
  if length > 0 then
    local last = delivered(stream)
    if watches then
      local taken = last and redis.call('XRANGE', stream, '-', last) or {}
      waiting = waiting + length - #taken
      for _, entry in ipairs(taken) do odd = odd or not leased[entry[2][2]] end
    else
      waiting = waiting + #redis.call('XRANGE', stream, last and '(' .. last or '-', '+', 'COUNT', 1)
    end
  end
end
local expired, parting, owed = false, {}, false
if thorough == '1' then
  local open = redis.call('ZCARD', runs) - redis.call('ZCARD', expiring)
  odd = odd or open ~= waiting + redis.call('ZCARD', delayed) + #held_leases
  local at = now()
  expired = redis.call('ZCOUNT', expiring, '-inf', at) > 0
  owed = redis.call('ZCOUNT', hooks, '-inf', at) > 0
  parting = redis.call('ZRANGE', stopping, 0, 99)
end

local NOW = 0
local first = is_quiet and {} or redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
local due = tonumber(first[2])
local function earlier(instant) due = math.min(due or instant, instant) end
if #parting > 0 then earlier(NOW) end
if thorough == '1' and facts[4] == '1' and facts[3] ~= '1' then
  local fields, rules = {}, redis.call('HGETALL', schedules)
  for i = 1, #rules, 2 do fields[rules[i]] = rules[i + 1] end
  for name, value in pairs(fields) do
    local slug = string.match(name, '^(.*):active$')
    if slug and value == '1' then
      -- Never planned: at once. Planned, but nothing to come: never.
      local next_at = fields[slug .. ':next']
      if not next_at then earlier(NOW) elseif next_at ~= '' then earlier(tonumber(next_at)) end
    end
  end
end

local seen = {}
for i, name in ipairs(registered) do
  if name == runner then beats[name] = redis.call('HINCRBY', runners, name .. ':beat', 1) end
  seen[i] = {name, beats[name] or 0}
end
local function flag(value) return value == '1' and '1' or '' end
return {facts[1] and 'ok' or 'gone', flag(facts[2]), flag(facts[3]), tostring(waiting),
  due and string.format('%.0f', due) or '', held_leases, seen, drain,
  thorough == '1' and odd and '1' or '', expired and '1' or '', parting, owed and '1' or ''}
