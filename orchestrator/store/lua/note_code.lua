#!lua flags=allow-oom
-- KEYS  deployment versions
-- ARGV  about
-- USES  clock versions
-- REPLY ok | unchanged | gone
-- A runner has this code loaded: what the newest version had left open, or a version of its own.
local name = redis.call('HGET', deployment, 'name')
if not name then return 'gone' end
local newest, entry = newest_version(versions), cjson.decode(about)
local before = newest and (newest.commit ~= '' and newest.commit or newest.content_hash) or ''
if newest and newest.commit == entry.commit and newest.content_hash == entry.content_hash then
  return 'unchanged'
end
if newest and before == '' then
  newest.commit, newest.content_hash = entry.commit, entry.content_hash
  redis.call('LSET', versions, 0, cjson.encode(newest))
  return 'ok'
end
local after = entry.commit ~= '' and entry.commit or entry.content_hash
add_version(versions, newest, entry, now(), {{'code', before, after}})
return 'ok'
