#!lua flags=allow-oom
-- KEYS  deployment schedules delayed queue_first queue queue_late expiring outbox
-- ARGV  slug place after retention_ms run_prefix log_prefix ended
-- USES  clock outbox history tickets guards ending skipping
-- REPLY ok | unchanged | no_schedule | gone
-- The schedule makes no run any more, and those that nobody began end as Skipped, one page a call.
-- Serving again leaves it so.
-- Answers the word, how many were skipped, and where the next page begins ('' when done).
if redis.call('HEXISTS', deployment, 'name') == 0 then return {'gone', '0', '', ''} end
local known = redis.call('HMGET', schedules, slug .. ':rule', slug .. ':active')
if not known[1] then return {'no_schedule', '0', '', ''} end
local streams = {first = queue_first, queue = queue, late = queue_late}
local function by_this(creator) return creator == 'schedule:' .. slug end
local entries, skipped = waiting_page(place, after, delayed, streams, run_prefix, by_this)
check_sets(expiring)
check_outbox()

redis.call('HSET', schedules, slug .. ':active', '', slug .. ':active_by', 'user')
if known[2] == '1' then happened('schedule.paused', 'schedule', slug) end
skip_page(skipped, delayed, expiring, streams, run_prefix, log_prefix, retention_ms, ended,
  'schedule paused')
local next_place, next_after = page_after(place, after, entries, skipped)
return {known[2] == '1' and 'ok' or 'unchanged', tostring(#skipped), next_place, next_after}
