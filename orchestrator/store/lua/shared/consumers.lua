-- A consumer goes when its runner is not registered and nothing is pending for it; with pending
-- tickets it would take them along (F12). Where others end what a dead runner held, its consumer is
-- left: so whoever comes or goes clears up after all (I17). First `unused_consumers`, which only
-- reads, then `forget_consumers`.
local function unused_consumers(streams, runners_key, leaving)
  local registered, found = {}, {}
  for _, field in ipairs(redis.call('HKEYS', runners_key)) do registered[field] = true end
  if leaving then registered[leaving] = nil end
  for _, stream in ipairs(streams) do
    local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, 'runners')
    for _, consumer in ipairs(consumers.err and {} or consumers) do
      local facts = {}
      for i = 1, #consumer, 2 do facts[consumer[i]] = consumer[i + 1] end
      if facts['pending'] == 0 and not registered[facts['name']] then
        found[#found + 1] = {stream = stream, name = facts['name']}
      end
    end
  end
  return found
end
local function forget_consumers(found)
  for _, each in ipairs(found) do
    redis.call('XGROUP', 'DELCONSUMER', each.stream, 'runners', each.name)
  end
end
