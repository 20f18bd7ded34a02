#!lua flags=allow-oom
-- KEYS  leases runners
-- ARGV  run_prefix runner held...
-- USES  clock states
-- REPLY ok | unregistered
-- Renews the leases of `held` (run, token, ...) and counts the runner's own beat. Answers the word
-- and then per run OK, CANCEL, PAUSE or LOST: what a lost message said is heard here again (F35).
local registered = redis.call('HEXISTS', runners, runner) == 1
local answer, renewed = {registered and 'ok' or 'unregistered'}, {}
for i = 1, #held, 2 do
  local record = redis.call('HMGET', run_prefix .. held[i], 'state', 'token')
  local word = 'LOST'
  if record[2] == held[i + 1] and CLAIMED[record[1]] then
    word = ({Cancelling = 'CANCEL', Paused = 'PAUSE'})[record[1]] or 'OK'
    renewed[#renewed + 1] = held[i]
  end
  answer[#answer + 1] = word
end

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
return answer
