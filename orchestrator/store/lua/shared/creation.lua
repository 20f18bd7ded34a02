-- A new record, Scheduled, not yet attempted; `ticket` is empty for a delayed run. Its history.
local function create(key, at, due, ticket, fields, why)
  for _, text in ipairs({
    'attempt', 0, 'begin_as', 1, 'failures', 0, 'recoveries', 0, 'epoch', 0,
    'created_at', at, 'scheduled_at', due, 'ticket', ticket,
  }) do
    fields[#fields + 1] = text
  end
  return change(key, '', at, 'Scheduled', 0, '', why or '', fields)
end
