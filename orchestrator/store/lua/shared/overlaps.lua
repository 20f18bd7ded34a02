-- A schedule whose runs must not overlap notes its runs in "<slug>:open", oldest first, whenever
-- it makes one. Those that are over are dropped from the note then: until that the records decide.
local LOOK_AGAIN_MS = 1000
local OVERLAP_FIELDS = {'state', 'attempt', 'runner', 'history', 'ticket', 'children',
  'retention_days'}
local function open_runs(noted, prefix)
  local found = {}
  for id in string.gmatch(noted or '', '%S+') do
    local values, record = redis.call('HMGET', prefix .. id, unpack(OVERLAP_FIELDS)), {id = id}
    for i, name in ipairs(OVERLAP_FIELDS) do record[name] = values[i] end
    if WAITING[record.state] or CLAIMED[record.state] then found[#found + 1] = record end
  end
  return found
end
