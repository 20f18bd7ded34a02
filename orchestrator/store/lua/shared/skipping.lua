-- Runs that schedules made and nobody began end as Skipped, one page a call. First `waiting_page`,
-- which only reads, then `skip_page`; `page_after` says where the next page begins ('' when done).
local SKIP_PAGE = 200
local PLACE_AFTER = {delayed = 'first', first = 'queue', queue = 'late', late = ''}
local function waiting_page(place, after, delayed_key, streams, prefix, is_wanted)
  local entries, skipped = {}, {}
  if place == 'delayed' then
    for _, id in ipairs(redis.call('ZRANGE', delayed_key, after, after + SKIP_PAGE - 1)) do
      entries[#entries + 1] = {id = id, ticket = ''}
    end
  else
    local start = after == '' and '-' or '(' .. after
    local page = redis.call('XRANGE', streams[place], start, '+', 'COUNT', SKIP_PAGE)
    for _, entry in ipairs(page) do
      local ticket = place .. ' ' .. entry[1]
      entries[#entries + 1] = {id = entry[2][2], ticket = ticket, entry = entry[1]}
    end
  end
  for _, each in ipairs(entries) do
    local record = redis.call('HMGET', prefix .. each.id, 'state', 'attempt', 'created_by',
      'ticket', 'history', 'retention_days')
    local untouched = record[1] == 'Scheduled' and record[2] == '0' and record[4] == each.ticket
    if untouched and is_wanted(record[3] or '') then
      each.history, each.days = record[5], record[6]
      skipped[#skipped + 1] = each
    end
  end
  return entries, skipped
end
local function skip_page(skipped, delayed_key, expiring_key, streams, prefix, prefix_of_logs, keep_ms,
    channel, why)
  local at = #skipped > 0 and now()
  for _, each in ipairs(skipped) do
    redis.call('ZREM', delayed_key, each.id)
    drop_ticket(each.ticket, streams)
    change(prefix .. each.id, each.history, at, 'Skipped', 0, '', why, {
      'ended_at', at, 'ticket', '',
    })
    conclude(each.id, at, each.days, keep_ms, channel, {run = prefix .. each.id,
      log = prefix_of_logs .. each.id, expiring = expiring_key})
  end
end
local function page_after(place, after, entries, skipped)
  if #entries < SKIP_PAGE then return PLACE_AFTER[place], '' end
  if place == 'delayed' then return place, tostring(after + SKIP_PAGE - #skipped) end
  return place, entries[#entries].entry
end
