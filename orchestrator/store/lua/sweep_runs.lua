#!lua flags=allow-oom
-- KEYS  runs expiring stopping hooks
-- ARGV  run_prefix log_prefix children_prefix
-- USES  clock states guards
-- REPLY ok | more
-- Ended runs whose time is over leave the index, one page a call, and with them what is left of
-- them. Whatever stands in the way of a page leaves `expiring`, so that nothing blocks it (F09).
local PAGE = 500
local at = now()
local over = redis.call('ZRANGE', expiring, '-inf', at, 'BYSCORE', 'LIMIT', 0, PAGE)
local open = {}
for _, id in ipairs(over) do
  local state = redis.call('HGET', run_prefix .. id, 'state')
  open[id] = WAITING[state] or CLAIMED[state]
end
check_sets(runs, stopping, hooks)

for _, id in ipairs(over) do
  if not open[id] then
    redis.call('UNLINK', run_prefix .. id, log_prefix .. id, children_prefix .. id)
    redis.call('ZREM', runs, id)
    redis.call('ZREM', stopping, id)
    redis.call('ZREM', hooks, id)
  end
  redis.call('ZREM', expiring, id)
end
return {#over == PAGE and 'more' or 'ok', tostring(#over)}
