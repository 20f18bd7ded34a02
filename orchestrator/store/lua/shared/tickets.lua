-- A ticket says where to look; the record's field `ticket` says which one counts, as
-- "<queue word> <entry id>".
local GROUP = 'runners'
local function put_ticket(stream, word, id)
  return word .. ' ' .. redis.call('XADD', stream, '*', 'run', id)
end
local function place_of(ticket)
  return string.match(ticket or '', '^(%a+) (%S+)$')
end
local function drop_ticket(ticket, streams)
  local word, entry = place_of(ticket)
  if not word then return end
  redis.call('XACK', streams[word], GROUP, entry)
  redis.call('XDEL', streams[word], entry)
end
