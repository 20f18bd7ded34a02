-- A new record, Scheduled, not yet attempted; `ticket` is empty for a delayed run. Its history.
-- What is empty is not stored: to whoever reads it, it is the same. All but the name, which versions
-- before this one want to find.
local function create(key, at, due, ticket, given, why)
  local fields = {
    'attempt', 0, 'begin_as', 1, 'failures', 0, 'recoveries', 0, 'epoch', 0,
    'created_at', at, 'scheduled_at', due, 'ticket', ticket,
  }
  for i = 1, #given, 2 do
    if given[i + 1] ~= '' or given[i] == 'name' then
      fields[#fields + 1], fields[#fields + 2] = given[i], given[i + 1]
    end
  end
  return change(key, '', at, 'Scheduled', 0, '', why or '', fields)
end
