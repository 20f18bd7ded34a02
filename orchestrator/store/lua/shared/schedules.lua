-- The fields of a schedule in the hash `schedules`, each as "<slug>:<field>".
local SCHEDULE_FIELDS = {'rule', 'active', 'active_by', 'origin', 'edited', 'generation', 'cursor',
  'next', 'open'}
local function forget_schedule(schedules_key, slug)
  for _, field in ipairs(SCHEDULE_FIELDS) do
    redis.call('HDEL', schedules_key, slug .. ':' .. field)
  end
end
