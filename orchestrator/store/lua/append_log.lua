#!lua flags=allow-oom
-- KEYS  run log
-- ARGV  token lines keep_ms
-- USES  states
-- REPLY ok | lease_lost | gone
-- One batch of lines, by the latest holder of the lease only (I8); after the end too, for the last
-- lines of the last attempt. The log expires with the record.
local record = redis.call('HMGET', run, 'state', 'token')
if not record[1] then return 'gone' end
if record[2] ~= token then return 'lease_lost' end
redis.call('XADD', log, '*', 'lines', lines)
if not CLAIMED[record[1]] and not WAITING[record[1]] then
  local left = redis.call('PTTL', run)
  redis.call('PEXPIRE', log, left >= 0 and left or keep_ms)
end
return 'ok'
