-- Who is registered with a deployment, and whether its last one's leaving pauses it.
local function others(runners_key, name)
  local flat, found, keep = redis.call('HGETALL', runners_key), 0, false
  local here = false
  for i = 1, #flat, 2 do
    local each, field = string.match(flat[i], '^([^:]*):?(.*)$')
    if field == '' and each == name then here = true end
    if field == '' and each ~= name then found = found + 1 end
    if field == 'keep' and each ~= name and flat[i + 1] == '1' then keep = true end
  end
  return found, keep, here
end
local function forget_runner(runners_key, name)
  redis.call('HDEL', runners_key, name, name .. ':beat', name .. ':claim', name .. ':keep',
    name .. ':drain', name .. ':server')
end
