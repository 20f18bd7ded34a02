-- Every change of a run's state is made here: the state, its line in the history, and the other
-- fields that change with it, in one HSET; and the event. model/states.py says which changes there are.
local function shortened(history)
  local _, lines = string.gsub(history, '\n', '\n')
  if lines <= 100 then return history end
  -- How it began and what happened last stay; the oldest line between goes.
  local head = string.match(history, '^' .. string.rep('[^\n]*\n', 10))
  return head .. string.match(history, '^[^\n]*\n(.*)$', #head + 1)
end
local function change(key, history, at, state, attempt, runner, reason, fields)
  local line = cjson.encode({at, state, tonumber(attempt), runner or '', reason})
  local longer = shortened((history or '') .. line .. '\n')
  redis.call('HSET', key, 'state', state, 'reason', reason, 'history', longer, unpack(fields))
  happened('run.' .. state, 'run', string.match(key, '[^:]+$'), 'attempt', attempt, 'runner',
    runner or '', 'reason', reason)
  return longer
end
