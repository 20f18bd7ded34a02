#!lua flags=allow-oom
-- KEYS  deployment outbox
-- ARGV
-- REPLY ok | kept
-- The outbox of a deployment that was deleted goes when everything in it was copied.
if redis.call('HEXISTS', deployment, 'name') == 1 or redis.call('XLEN', outbox) > 0 then
  return 'kept'
end
redis.call('UNLINK', outbox)
return 'ok'
