#!lua flags=allow-oom
-- KEYS  deployment outbox
-- ARGV  upto page run_prefix
-- USES  guards
-- REPLY ok | gone
-- What was copied to the feed (up to entry `upto`) leaves the outbox, and the next page is told.
-- Answers the word, the deployment's name, how many entries there were before this page, the
-- entries, and of each run among them {id, name, tags, created_by, depth, state, error, deployment,
-- event}.
local name = redis.call('HGET', deployment, 'name')
local word = name and 'ok' or 'gone'
if redis.call('XLEN', outbox) == 0 then return {word, name or '', '0', {}, {}} end
if upto ~= '' then
  local ms, number = string.match(upto, '^(%d+)-(%d+)$')
  redis.call('XTRIM', outbox, 'MINID', ms .. '-' .. string.format('%.0f', tonumber(number) + 1))
end
local facts, info = {}, redis.call('XINFO', 'STREAM', outbox)
for i = 1, #info, 2 do facts[info[i]] = info[i + 1] end
local before = facts['entries-added'] - facts['length']

local FIELDS = {'name', 'tags', 'created_by', 'depth', 'state', 'error', 'deployment', 'event'}
local entries = redis.call('XRANGE', outbox, '-', '+', 'COUNT', page)
local seen, records = {}, {}
for _, entry in ipairs(entries) do
  local id = entry[2][3] == 'run' and entry[2][4]
  if id and not seen[id] then
    seen[id] = true
    records[#records + 1] = {id, unpack(redis.call('HMGET', run_prefix .. id, unpack(FIELDS)))}
  end
end
return {word, name or '', string.format('%.0f', before), entries, records}
