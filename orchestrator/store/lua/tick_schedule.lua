#!lua
-- KEYS  deployment schedules queue queue_late runs
-- ARGV  slug generation cursor_seen cursor next_ms run_prefix control occurrences...
-- USES  clock history tickets creation guards
-- REPLY ok | stale | paused | gone
-- The occurrences (run, due, parameters, late, ...) become runs and the cursor moves, in one step:
-- any number of schedulers makes each once (I2), none inside a pause (I10). The cursor never moves
-- back.
local facts = redis.call('HMGET', deployment, 'name', 'tags', 'paused')
if not facts[1] then return 'gone' end
if facts[3] == '1' then return 'paused' end
local rule = redis.call('HMGET', schedules, slug .. ':generation', slug .. ':cursor',
  slug .. ':active')
if rule[1] ~= generation or rule[2] ~= cursor_seen or rule[3] ~= '1' then return 'stale' end
if tonumber(cursor) < tonumber(cursor_seen) then return 'stale' end
local missing = {}
for i = 1, #occurrences, 4 do
  if redis.call('EXISTS', run_prefix .. occurrences[i]) == 0 then missing[#missing + 1] = i end
end
check_streams(queue, queue_late)
check_sets(runs)

local at = now()
for _, i in ipairs(missing) do
  local id, due, parameters, late = unpack(occurrences, i, i + 3)
  local ticket = late == '1' and put_ticket(queue_late, 'late', id)
    or put_ticket(queue, 'queue', id)
  create(run_prefix .. id, at, due, ticket, {
    'deployment', facts[1], 'name', '', 'parameters', parameters, 'tags', facts[2],
    'created_by', 'schedule:' .. slug, 'idempotency_key', '', 'digest', '',
  })
  redis.call('ZADD', runs, at, id)
end
redis.call('HSET', schedules, slug .. ':cursor', cursor, slug .. ':next', next_ms)
if #missing > 0 then redis.call('PUBLISH', control, 'queue') end
return 'ok'
