#!lua flags=allow-oom
-- KEYS  deployment delayed queue_first queue queue_late expiring outbox
-- ARGV  by place after retention_ms run_prefix log_prefix ended
-- USES  clock outbox history tickets guards ending skipping
-- REPLY ok | unchanged | gone
-- No occurrence is written any more (I10), and runs of schedules that nobody began end as Skipped,
-- one page a call. A pause by a person is never turned into one by a shutdown.
-- Answers the word, how many were skipped, and where the next page begins ('' when done).
local facts = redis.call('HMGET', deployment, 'name', 'paused', 'paused_by')
if not facts[1] then return {'gone', '0', '', ''} end

local streams = {first = queue_first, queue = queue, late = queue_late}
local function by_a_schedule(creator) return string.sub(creator, 1, 9) == 'schedule:' end
local entries, skipped = waiting_page(place, after, delayed, streams, run_prefix, by_a_schedule)
check_sets(expiring)
check_outbox()

local word = 'unchanged'
if facts[2] ~= '1' or (by == 'user' and facts[3] ~= 'user') then
  redis.call('HSET', deployment, 'paused', 1, 'paused_by', by)
  happened('deployment.paused', 'by', by)
  word = 'ok'
end
redis.call('HDEL', deployment, 'pause_noted')
skip_page(skipped, delayed, expiring, streams, run_prefix, log_prefix, retention_ms, ended, 'paused')
local next_place, next_after = page_after(place, after, entries, skipped)
return {word, tostring(#skipped), next_place, next_after}
