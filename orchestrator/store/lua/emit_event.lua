#!lua
-- KEYS  events event_ids
-- ARGV  id name event most news
-- REPLY ok | exists
-- An event of somebody else's joins the feed, once per id (I24). Answers the word and its place.
local known = redis.call('ZSCORE', event_ids, id)
if known then return {'exists', known .. '-0'} end
redis.call('XLEN', events)

local position = redis.call('XADD', events, 'MAXLEN', '~', most, '*', 'name', name, 'event', event)
-- When it was received is what the feed says: a clock of its own may be a millisecond on.
redis.call('ZADD', event_ids, string.match(position, '^%d+'), id)
local spare = redis.call('ZCARD', event_ids) - tonumber(most)
if spare > 0 then redis.call('ZREMRANGEBYRANK', event_ids, 0, spare - 1) end
redis.call('PUBLISH', news, 'emitted')
return {'ok', position}
