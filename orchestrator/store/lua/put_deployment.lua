#!lua
-- KEYS  deployment schedules triggers progress versions outbox
-- ARGV  paused fields server lease_ms control about rules_end rest...
-- USES  clock cursors schedules quarantine triggers versions outbox
-- REPLY created | updated | unchanged
-- `rest` is `fields` texts (name, value, ...), then slug, rule, active of each schedule up to
-- `rules_end`, then name, rule, watched part, enabled of each trigger.
-- Schedules that a person made or edited stay. A changed rule gets a new generation, so that a
-- tick planned before is refused, and its cursor never moves back (I2). `server`: the one on which
-- the caller served it before ('' on none): when it is made anew, or somebody listens already, it was
-- lost or deleted while runs may execute. `about`: who asks, for the list of versions. Answers the word, then
-- {what, before, after} of each change, and {what, 'kept', why} where the code was not followed.
local names, wanted = {}, {}
for i = 1, tonumber(fields), 2 do
  names[#names + 1] = rest[i]
  wanted[rest[i]] = rest[i + 1]
end
local rules, actives = {}, {}
for i = tonumber(fields) + 1, tonumber(rules_end), 3 do
  rules[rest[i]] = rest[i + 1]
  actives[rest[i]] = rest[i + 2]
end

local function hash(key)
  local flat, found = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
  return found
end
local live, known, armed = hash(deployment), hash(schedules), hash(triggers)
redis.call('HLEN', progress)
local newest = newest_version(versions)
check_outbox()
local exists = live['name'] ~= nil

local changes, writes = {}, {}
for _, name in ipairs(names) do
  if live[name] ~= wanted[name] then
    changes[#changes + 1] = {name, live[name] or '', wanted[name]}
    writes[#writes + 1] = name
    writes[#writes + 1] = wanted[name]
  end
end

local function note(what, after) changes[#changes + 1] = {what, '', after} end
local resumed = false
if live['paused'] ~= '1' and paused == '1' then
  writes[#writes + 1] = 'paused'
  writes[#writes + 1] = '1'
  note('paused', 'by code')
elseif live['paused'] == '1' and (paused == '0' or (paused == '' and live['paused_by'] == 'shutdown')) then
  resumed = true
  writes[#writes + 1] = 'paused'
  writes[#writes + 1] = ''
  writes[#writes + 1] = 'paused_by'
  writes[#writes + 1] = ''
  note('paused', 'no longer')
end
if paused == '1' then
  writes[#writes + 1] = 'paused_by'
  writes[#writes + 1] = 'user'
end

local at = now()
local added, removed, kept, left = {}, {}, {}, {}
for name in pairs(known) do
  local slug = string.match(name, '^(.*):rule$')
  if slug then
    local theirs = known[slug .. ':origin'] == 'user' or known[slug .. ':edited'] == '1'
    if theirs then
      local why = known[slug .. ':origin'] == 'user' and 'a person made it' or 'a person edited it'
      if rules[slug] ~= known[name] then left[#left + 1] = {'schedule ' .. slug, 'kept', why} end
      rules[slug] = nil
      kept[#kept + 1] = name
    elseif rules[slug] == nil then
      removed[#removed + 1] = slug
    elseif rules[slug] == known[name] then
      rules[slug] = nil
      kept[#kept + 1] = name
    end
  end
end
for slug in pairs(rules) do added[#added + 1] = slug end
table.sort(added)
table.sort(removed)

if resumed then move_cursors(schedules, kept, at) end
for _, slug in ipairs(removed) do
  note('schedule ' .. slug, 'removed')
  forget_schedule(schedules, slug)
end
for _, slug in ipairs(added) do
  local cursor = tonumber(known[slug .. ':cursor'])
  note('schedule ' .. slug, cursor and 'changed' or 'added')
  local generation = tonumber(known[slug .. ':generation'] or 0) + 1
  local active = actives[slug]
  -- Whom a person paused or resumed stays so, whatever else the code changes.
  if known[slug .. ':active_by'] == 'user' then active = known[slug .. ':active'] end
  redis.call('HSET', schedules, slug .. ':rule', rules[slug], slug .. ':active', active,
    slug .. ':origin', 'code', slug .. ':generation', generation,
    slug .. ':cursor', math.max(cursor or at, at))
  redis.call('HDEL', schedules, slug .. ':next')
end
local rearmed = put_triggers(armed, triggers, progress, rest, tonumber(rules_end) + 1, at, note)
if rearmed and live['has_triggers'] ~= '1' then
  writes[#writes + 1] = 'has_triggers'
  writes[#writes + 1] = '1'
end
if #added > 0 then
  writes[#writes + 1] = 'has_schedules'
  writes[#writes + 1] = '1'
end
if not exists then
  writes[#writes + 1] = 'created_at'
  writes[#writes + 1] = at
  local here, listeners = this_server(), redis.call('PUBLISH', control, 'runs')
  local lost = server ~= '' or listeners > 0
  -- On the same server all who listen are known to; after a restart some may still be on their way.
  local awaited = server == here and listeners or 'nobody'
  local fields = lost and quarantine(here, lease_ms, awaited, at) or {'server', here}
  for _, text in ipairs(fields) do writes[#writes + 1] = text end
end
if #changes > 0 then
  writes[#writes + 1] = 'updated_at'
  writes[#writes + 1] = at
end
if #writes > 0 then redis.call('HSET', deployment, unpack(writes)) end
local word = #changes > 0 and 'updated' or 'unchanged'
if not exists then word = 'created' end
local lines = told(changes)
if not exists or #lines > 0 then
  add_version(versions, newest, cjson.decode(about), at, exists and lines or {})
end
local what = {}
for i, each in ipairs(changes) do what[i] = each[1] end
if word ~= 'unchanged' then
  happened('deployment.' .. word, 'changes', exists and table.concat(what, ', ') or '')
end
if not exists then return {'created'} end
table.sort(left, function(one, other) return one[1] < other[1] end)
for _, each in ipairs(left) do changes[#changes + 1] = each end
return {word, unpack(changes)}
