-- Instants inside a pause are not missed ones: every schedule goes on from now, to be planned anew.
local function move_cursors(schedules_key, rules, at)
  for _, name in ipairs(rules) do
    local slug = string.match(name, '^(.*):rule$')
    if slug then
      redis.call('HSET', schedules_key, slug .. ':cursor', at)
      redis.call('HDEL', schedules_key, slug .. ':next')
    end
  end
end
