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
-- Which of these runs there are already: most often none, and one command says so.
local MOST_AT_ONCE = 1000
local function existing(prefix, ids)
  local keys, found = {}, {}
  for i, id in ipairs(ids) do keys[i] = prefix .. id end
  for first = 1, #keys, MOST_AT_ONCE do
    local last = math.min(#keys, first + MOST_AT_ONCE - 1)
    if redis.call('EXISTS', unpack(keys, first, last)) > 0 then
      for i = first, last do found[ids[i]] = redis.call('EXISTS', keys[i]) == 1 end
    end
  end
  return found
end
-- Adds new records to their index; `made` is the instant and the id of each.
local function index(runs_key, made)
  for first = 1, #made, MOST_AT_ONCE do
    redis.call('ZADD', runs_key, unpack(made, first, math.min(#made, first + MOST_AT_ONCE - 1)))
  end
end
