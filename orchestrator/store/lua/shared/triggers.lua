-- The fields of a trigger in the hash `triggers`, each as "<name>\n<field>"; "\n<field>" is of all of
-- them. What each bucket of a trigger has come to is in the hash `progress`, as "<name>\n<bucket>".
local TRIGGER_FIELDS = {'rule', 'watched', 'enabled', 'enabled_by', 'since', 'fired', 'fired_at',
  'run', 'error'}
local function forget_progress(progress_key, name)
  for _, field in ipairs(redis.call('HKEYS', progress_key)) do
    if string.sub(field, 1, #name + 1) == name .. '\n' then
      redis.call('HDEL', progress_key, field)
    end
  end
end
local function forget_trigger(triggers_key, progress_key, name)
  for _, field in ipairs(TRIGGER_FIELDS) do
    redis.call('HDEL', triggers_key, name .. '\n' .. field)
  end
  forget_progress(progress_key, name)
end
-- What a scheduler has read of the triggers is outdated now: it may write nothing by it.
local function outdate_triggers(triggers_key)
  redis.call('HINCRBY', triggers_key, '\ngeneration', 1)
end
-- Makes the triggers those in `rest` from `first` on: name, rule, watched part, enabled, ... What
-- they have counted stays when that part did. Whether anything changed; `note` is told what.
local function put_triggers(armed, triggers_key, progress_key, rest, first, at, note)
  local wanted, names, changed = {}, {}, false
  for i = first, #rest, 4 do
    wanted[rest[i]] = {rest[i + 1], rest[i + 2], rest[i + 3]}
    names[#names + 1] = rest[i]
  end
  for field in pairs(armed) do
    local name = string.match(field, '^(.+)\nrule$')
    if name and not wanted[name] then
      forget_trigger(triggers_key, progress_key, name)
      note('trigger ' .. name, 'removed')
      changed = true
    end
  end
  for _, name in ipairs(names) do
    local rule, watched, enabled = unpack(wanted[name])
    local known = armed[name .. '\nrule']
    if known ~= rule then
      -- Whom a person enabled or disabled stays so, whatever else the code changes.
      if armed[name .. '\nenabled_by'] == 'user' then enabled = armed[name .. '\nenabled'] end
      local begun = armed[name .. '\nenabled'] ~= '1' and enabled == '1'
      if armed[name .. '\nwatched'] ~= watched or begun then
        forget_progress(progress_key, name)
        redis.call('HSET', triggers_key, name .. '\nsince', at)
      end
      redis.call('HSET', triggers_key, name .. '\nrule', rule, name .. '\nwatched', watched,
        name .. '\nenabled', enabled)
      note('trigger ' .. name, known and 'changed' or 'added')
      changed = true
    end
  end
  if changed then outdate_triggers(triggers_key) end
  return changed
end
