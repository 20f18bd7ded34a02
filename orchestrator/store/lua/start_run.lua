#!lua flags=allow-oom
-- KEYS  run deployment outbox
-- ARGV  token pid commit content_hash
-- USES  clock outbox history states
-- REPLY ok | cancelled | held | paused | lease_lost | gone
-- Pending -> Running, by the holder of the lease only. No user code runs without this ok (I6),
-- none after a cancel (I9) or while held (I10), and none of a run that somebody has paused: that one
-- is asked for again when it is resumed. The record then says which code it is.
local record = redis.call('HMGET', run, 'state', 'token', 'attempt', 'runner', 'history',
  'paused_by', 'started_at')
local state = record[1]
if not state then return 'gone' end
if record[2] ~= token or not CLAIMED[state] then return 'lease_lost' end
if state == 'Cancelling' then return 'cancelled' end
if state == 'Paused' and (record[7] or '') == '' then return 'paused' end
if state ~= 'Pending' then return 'ok' end
if redis.call('HGET', deployment, 'held') == '1' then return 'held' end
check_outbox()

local at = now()
if (record[6] or '') ~= '' then
  change(run, record[5], at, 'Paused', record[3], record[4], 'paused by ' .. record[6], {'pid', pid})
  return 'paused'
end
change(run, record[5], at, 'Running', record[3], record[4], '', {
  'started_at', at, 'pid', pid, 'error', '', 'result', '', 'progress', '',
  'commit', commit, 'content_hash', content_hash,
})
return 'ok'
