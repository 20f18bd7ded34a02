#!lua flags=allow-oom
-- KEYS  leases runners deployment
-- ARGV  run_prefix runner lease_ms control held...
-- USES  clock states quarantine
-- REPLY ok | unregistered
-- Renews the leases of `held` (run, token, ...) and counts the runner's own beat. A registered
-- runner all of whose tokens are good has said what it holds: a quarantine need not wait for it.
-- Answers the word, for how many milliseconds claims must wait, and per run OK, CANCEL, PAUSE or
-- LOST: what a lost message said is heard here again (F35).
local mine = redis.call('HMGET', runners, runner, runner .. ':server')
local registered, is_heard = mine[1] and true, true
local words, renewed = {}, {}
for i = 1, #held, 2 do
  local record = redis.call('HMGET', run_prefix .. held[i], 'state', 'token')
  local word = 'LOST'
  if record[2] == held[i + 1] and CLAIMED[record[1]] then
    word = ({Cancelling = 'CANCEL', Paused = 'PAUSE'})[record[1]] or 'OK'
    renewed[#renewed + 1] = held[i]
  end
  is_heard = is_heard and word ~= 'LOST'
  words[#words + 1] = word
end

local known = redis.call('HMGET', deployment, 'server', 'quarantine')
local wait, here = claims_wait(known[1], known[2], deployment, runners, control, lease_ms)
if #renewed > 0 then
  local at, members = now(), {}
  for _, id in ipairs(renewed) do
    members[#members + 1] = at
    members[#members + 1] = id
  end
  redis.call('ZADD', leases, unpack(members))
end
for _, id in ipairs(renewed) do redis.call('HINCRBY', run_prefix .. id, 'beat', 1) end
if registered then redis.call('HINCRBY', runners, runner .. ':beat', 1) end
if registered and is_heard and mine[2] ~= here then
  redis.call('HSET', runners, runner .. ':server', here)
  if wait > 0 then
    wait = quarantine_left(redis.call('HGET', deployment, 'quarantine'), runners, here)
    if wait == 0 then redis.call('PUBLISH', control, 'queue') end
  end
end
return {registered and 'ok' or 'unregistered', string.format('%.0f', wait), unpack(words)}
