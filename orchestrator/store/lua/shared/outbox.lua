-- What happens is noted in the outbox, in the step in which it happens; the leading scheduler copies
-- it to the feed, and is told of the first entry of an empty one. First `check_outbox`, which only
-- reads, then `happened`.
local MOST_NOTED = 100000
local noted_before = 0
local function check_outbox() noted_before = redis.call('XLEN', outbox) end
local function happened(event, ...)
  redis.call('XADD', outbox, 'MAXLEN', '~', MOST_NOTED, '*', 'event', event, ...)
  if noted_before == 0 then
    noted_before = 1
    redis.call('PUBLISH', 'orc:outbox:news', string.match(outbox, '{(.-)}'))
  end
end
