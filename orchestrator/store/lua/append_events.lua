#!lua flags=allow-oom
-- KEYS  events copied
-- ARGV  id seen cursor most news named...
-- REPLY ok | stale
-- A page of a deployment's outbox (name, text, ...) joins the feed, and up to where it was copied
-- is noted in the same step: each entry comes once (I24), however many schedulers copy.
if (redis.call('HGET', copied, id) or '') ~= seen then return 'stale' end
redis.call('XLEN', events)

redis.call('HSET', copied, id, cursor)
for i = 1, #named, 2 do
  redis.call('XADD', events, 'MAXLEN', '~', most, '*', 'name', named[i], 'event', named[i + 1])
end
redis.call('PUBLISH', news, 'copied')
return 'ok'
