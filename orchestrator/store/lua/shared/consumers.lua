-- A consumer goes when nothing is pending for it; with pending tickets it would take them along
-- (F12). First `idle_consumer` for every stream, which only reads, then `forget_consumer`.
local function idle_consumer(stream, name)
  local pending = redis.pcall('XPENDING', stream, 'runners', '-', '+', 1, name)
  return not pending.err and #pending == 0
end
local function forget_consumer(stream, name)
  redis.call('XGROUP', 'DELCONSUMER', stream, 'runners', name)
end
