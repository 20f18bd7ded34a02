#!lua flags=allow-oom
-- KEYS  run log children leases queue_first queue queue_late delayed expiring stopping outbox
-- ARGV  run_id token state result error reason retries retry_delay_ms peak_bytes cpu_seconds retention_ms control ended
-- USES  clock outbox history states tickets guards ending
-- REPLY ok | retry | cancelled | lease_lost | gone
-- Claimed -> final, or -> AwaitingRetry, by the holder of the lease only (I8). Ticket and lease go
-- in the same step (I14). The same token again answers the same word (I15).
-- Answers the word and when the next attempt is due ('' when queued or over).
local record = redis.call('HMGET', run, 'state', 'token', 'attempt', 'runner', 'history', 'ticket',
  'failures', 'last_word', 'limited', 'children', 'retention_days')
local before, attempt, runner = record[1], record[3], record[4]
if not before then return {'gone', ''} end
if record[2] ~= token then return {'lease_lost', ''} end
if not CLAIMED[before] then
  local word, due = string.match(record[8] or '', '^finish (%a+) (%d*)$')
  return {word or 'lease_lost', due or ''}
end
local streams = {first = queue_first, queue = queue, late = queue_late}
check_streams(streams[place_of(record[6])])
check_outbox()
local again = RETRIED[state] and tonumber(record[7]) < tonumber(retries)
local next_attempt = again and before ~= 'Cancelling'
if next_attempt then
  check_streams(queue)
  check_sets(delayed)
else
  check_sets(expiring)
  check_family(record[10], children, stopping)
end

local at = now()
redis.call('ZREM', leases, run_id)
drop_ticket(record[6], streams)
local function record_end(new_state, why, word, due, fields)
  for _, text in ipairs({
    'result', result, 'error', error, 'peak_bytes', peak_bytes, 'cpu_seconds', cpu_seconds,
    'last_word', 'finish ' .. word .. ' ' .. due,
  }) do
    fields[#fields + 1] = text
  end
  change(run, record[5], at, new_state, attempt, runner, why, fields)
  return {word, due}
end

if next_attempt then
  local due, ticket = '', ''
  if tonumber(retry_delay_ms) > 0 then
    due = string.format('%.0f', at + tonumber(retry_delay_ms))
    redis.call('ZADD', delayed, due, run_id)
  else
    ticket = put_ticket(queue, 'queue', run_id)
  end
  local answer = record_end('AwaitingRetry', reason, 'retry', due, {
    'begin_as', tonumber(attempt) + 1, 'failures', tonumber(record[7]) + 1, 'ticket', ticket,
  })
  if ticket ~= '' or record[9] == '1' then redis.call('PUBLISH', control, 'queue') end
  return answer
end

local over, word = state, 'ok'
if again then over, word = 'Cancelled', 'cancelled' end
local answer = record_end(over, reason, word, '', {'ended_at', at, 'ticket', ''})
part(run_id, over, record[10], stopping)
conclude(run_id, at, record[11], retention_ms, ended,
  {run = run, log = log, children = record[10] and children, expiring = expiring})
if record[9] == '1' then redis.call('PUBLISH', control, 'queue') end
return answer
