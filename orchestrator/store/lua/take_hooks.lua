#!lua flags=allow-oom
-- KEYS  hooks
-- ARGV  run_prefix hold_ms count
-- USES  clock
-- REPLY ok
-- Ended runs whose hooks are owed, the earliest first. Whoever takes one calls them and strikes it
-- out; for `hold_ms` nobody else takes it. What is owed to a run that is gone is owed to nobody.
-- Answers the word, and each as {run, token}.
local at, taken, forgotten = now(), {}, {}
for _, id in ipairs(redis.call('ZRANGE', hooks, '-inf', at, 'BYSCORE', 'LIMIT', 0, count)) do
  local token = redis.call('HGET', run_prefix .. id, 'token')
  if token then taken[#taken + 1] = {id, token} else forgotten[#forgotten + 1] = id end
end
for _, each in ipairs(taken) do
  redis.call('ZADD', hooks, string.format('%.0f', at + tonumber(hold_ms)), each[1])
end
for _, id in ipairs(forgotten) do redis.call('ZREM', hooks, id) end
return {'ok', unpack(taken)}
