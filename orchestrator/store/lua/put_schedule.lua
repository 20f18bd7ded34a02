#!lua
-- KEYS  deployment schedules outbox
-- ARGV  slug rule active edit
-- USES  clock outbox
-- REPLY created | updated | unchanged | exists | no_schedule | gone
-- A schedule that a person makes (`edit` empty) or edits. Serving again leaves both alone. A
-- changed rule gets a new generation, so that a tick planned before is refused, and its cursor
-- never moves back (I2). The same again changes nothing (I15).
if redis.call('HEXISTS', deployment, 'name') == 0 then return 'gone' end
local known = redis.call('HMGET', schedules, slug .. ':rule', slug .. ':generation',
  slug .. ':cursor', slug .. ':origin', slug .. ':active')
if known[1] and edit == '' and known[1] ~= rule then return 'exists' end
if not known[1] and edit ~= '' then return 'no_schedule' end
if known[1] == rule and known[5] == active then return 'unchanged' end
check_outbox()

local at = now()
local origin = known[4] or 'user'
redis.call('HSET', schedules, slug .. ':rule', rule, slug .. ':active', active,
  slug .. ':active_by', 'user', slug .. ':origin', origin,
  slug .. ':edited', origin == 'code' and '1' or '',
  slug .. ':generation', tonumber(known[2] or 0) + 1,
  slug .. ':cursor', math.max(tonumber(known[3] or 0), at))
redis.call('HDEL', schedules, slug .. ':next')
redis.call('HSET', deployment, 'has_schedules', '1')
local word = known[1] and 'updated' or 'created'
happened('schedule.' .. word, 'schedule', slug)
return word
