#!lua flags=allow-oom
-- KEYS  runs
-- ARGV  at id oldest count states tags text run_prefix
-- REPLY ok
-- Goes through up to `count` runs, the newest first, behind the place (`at`, `id`) and not older than
-- `oldest`. Changes nothing. Of `states` (with a space round each), `tags` (JSON texts, one a line) and
-- `text` (in small letters) the empty one stands for any. What surely does not fit is left out; all
-- else is for the caller to judge. Answers the word, whether there are no more, how many were
-- looked at, the place of the last of them, and those that may fit, as id, instant, ...
local function is_below(one, other)
  for i = 1, math.max(#one, #other) do
    local mine, theirs = string.byte(one, i) or -1, string.byte(other, i) or -1
    if mine ~= theirs then return mine < theirs end
  end
  return false
end
-- How many stand before the place: runs of one instant are in the order of their ids.
local first, behind = redis.call('ZCOUNT', runs, '(' .. at, '+inf'), redis.call('ZCOUNT', runs, at, '+inf')
while first < behind do
  local middle = math.floor((first + behind) / 2)
  if is_below(redis.call('ZREVRANGE', runs, middle, middle)[1], id) then
    behind = middle
  else
    first = middle + 1
  end
end

local wanted = {}
for tag in string.gmatch(tags, '[^\n]+') do wanted[#wanted + 1] = tag end
local picky = states ~= '' or tags ~= '' or text ~= ''
local function may_fit(run_id)
  local record = redis.call('HMGET', run_prefix .. run_id, 'state', 'tags', 'name')
  if not record[1] then return false end
  if states ~= '' and not string.find(states, ' ' .. record[1] .. ' ', 1, true) then return false end
  for _, tag in ipairs(wanted) do
    if not string.find(record[2] or '', tag, 1, true) then return false end
  end
  local name = record[3] or ''
  -- What are small letters beyond ASCII is not known here.
  if text == '' or string.find(name, '[\128-\255]') then return true end
  return string.find(string.lower(name) .. '\n' .. run_id, text, 1, true) ~= nil
end

local found = redis.call('ZREVRANGE', runs, first, first + count - 1, 'WITHSCORES')
local answer, looked, is_end = {}, 0, #found < 2 * count
for i = 1, #found, 2 do
  if oldest ~= '' and tonumber(found[i + 1]) < tonumber(oldest) then
    is_end = true
    break
  end
  looked, id, at = looked + 1, found[i], found[i + 1]
  if not picky or may_fit(id) then
    answer[#answer + 1] = id
    answer[#answer + 1] = at
  end
end
return {'ok', is_end and '1' or '', tostring(looked), at, id, answer}
