-- Up to where the group has delivered a stream's entries; nil without a stream, false without a
-- group. Entries after that are waiting.
local function delivered(stream)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err then return nil end
  for _, group in ipairs(groups) do
    local facts = {}
    for i = 1, #group, 2 do facts[group[i]] = group[i + 1] end
    if facts['name'] == GROUP then return facts['last-delivered-id'] end
  end
  return false
end
