#!lua flags=allow-oom
-- KEYS  deployment schedules outbox
-- ARGV  slug
-- USES  schedules outbox
-- REPLY ok | no_schedule | gone
-- The schedule is forgotten, whoever made it; one that code made comes back with the next serving.
if redis.call('HEXISTS', deployment, 'name') == 0 then return 'gone' end
if redis.call('HEXISTS', schedules, slug .. ':rule') == 0 then return 'no_schedule' end
check_outbox()
forget_schedule(schedules, slug)
happened('schedule.deleted', 'schedule', slug)
return 'ok'
