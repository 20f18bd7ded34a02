-- The versions of a deployment: a line of JSON for each, the newest first; the oldest go. Which values
-- parameters have is not told: they may be secret, and an old one is nobody's business.
local MOST_VERSIONS = 100
local SHOWN = {entrypoint = true, source = true, version = true, concurrency_limit = true,
  retention_days = true}
local IN_PARTS = {parameters = true, parameter_schema = true, options = true}
local UNTOLD = {secrets = true, on_lost = true, paused = true}
local function newest_version(versions)
  local line = redis.call('LINDEX', versions, 0)
  return line and cjson.decode(line)
end
local function is_same(one, other)
  if type(one) ~= 'table' or type(other) ~= 'table' then return one == other end
  for name, value in pairs(one) do
    if not is_same(value, other[name]) then return false end
  end
  for name in pairs(other) do
    if one[name] == nil then return false end
  end
  return true
end
local function document(what, text)
  local is_json, value = pcall(cjson.decode, text)
  if is_json and what == 'parameter_schema' then value = value.properties end
  return is_json and type(value) == 'table' and value or {}
end
-- Names of the parts of two documents that differ.
local function parts(what, before, after)
  local old, new, names = document(what, before), document(what, after), {}
  for name, value in pairs(new) do
    if not is_same(old[name], value) then names[#names + 1] = tostring(name) end
  end
  for name in pairs(old) do
    if new[name] == nil then names[#names + 1] = tostring(name) end
  end
  table.sort(names)
  return table.concat(names, ', ')
end
local function told(changes)
  local lines = {}
  for _, each in ipairs(changes) do
    local what, before, after = unpack(each)
    if IN_PARTS[what] then
      lines[#lines + 1] = {what, '', parts(what, before, after)}
    elseif SHOWN[what] or string.find(what, ' ', 1, true) then
      lines[#lines + 1] = {what, before, after}
    elseif not UNTOLD[what] then
      lines[#lines + 1] = {what, '', ''}
    end
  end
  return lines
end
local function add_version(versions, newest, entry, at, lines)
  entry.number, entry.at, entry.changes = (newest and newest.number or 0) + 1, at, lines
  redis.call('LPUSH', versions, cjson.encode(entry))
  redis.call('LTRIM', versions, 0, MOST_VERSIONS - 1)
end
