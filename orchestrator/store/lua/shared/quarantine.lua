-- A server that is not the one it was may have forgotten claims (docs/decisions: quarantine). Until the
-- runners have said what they hold, or all leases are over, nothing is claimed. Which server it is
-- says its run id, new with each start; the deployment's `server` is where it was used last, its
-- `quarantine` is "<end> <length> <whom it waits for>": so many runners and every registered one
-- at least, or `nobody`, who cannot end it early. A clock that was set back does not stretch it.
local RESTARTED_MS, LAG_MS = 5000, 10000
local function info(section, pattern) return string.match(redis.call('INFO', section), pattern) end
local function this_server() return info('server', 'run_id:(%x+)') end
local function quarantine(here, length, awaited, at)
  return {'server', here, 'quarantine', string.format('%.0f %.0f %s', at + length, length, awaited)}
end
local function quarantine_left(noted, runners, here, at)
  local over, length, awaited = string.match(noted or '', '^(%d+) (%d+) (%w+)$')
  local left = over and tonumber(over) - (at or now()) or 0
  if left <= 0 or left > tonumber(length) then return 0 end
  if awaited == 'nobody' then return left end
  local flat, registered, heard = redis.call('HGETALL', runners), 0, 0
  for i = 1, #flat, 2 do
    local field = string.match(flat[i], '^[^:]*:?(.*)$')
    if field == '' then registered = registered + 1 end
    if field == 'server' and flat[i + 1] == here then heard = heard + 1 end
  end
  return heard < math.max(registered, tonumber(awaited)) and left or 0
end
-- Milliseconds for which claims must wait, and which server this is; `server` and `noted` are what
-- the deployment knows. A server that restarted with its append-only file kept what it had answered;
-- one that restarted without, or was promoted, may have lost a lease's worth; one that was promoted
-- knows nothing of beats still on their way.
local function claims_wait(server, noted, deployment, runners, control, lease_ms)
  local here = this_server()
  if not server then return 0, here end
  if server == here then return quarantine_left(noted, runners, here), here end
  local length, awaited = math.min(RESTARTED_MS, tonumber(lease_ms)), '0'
  if not info('persistence', 'aof_enabled:(1)') then
    length, awaited = tonumber(lease_ms), 'nobody'
  end
  if info('replication', 'master_replid2:(%x*[1-9a-f]%x*)') then
    length, awaited = tonumber(lease_ms) + LAG_MS, 'nobody'
  end
  local at = now()
  local fields = quarantine(here, length, awaited, at)
  redis.call('HSET', deployment, unpack(fields))
  redis.call('PUBLISH', control, 'runs')
  return quarantine_left(fields[4], runners, here, at), here
end
