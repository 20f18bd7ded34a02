-- The kinds of states, as in model/states.py.
local WAITING = {Scheduled = true, AwaitingRetry = true, AwaitingConcurrencySlot = true}
local CLAIMED = {Pending = true, Running = true, Paused = true, Cancelling = true}
local RETRIED = {Failed = true, TimedOut = true, Crashed = true}
-- No process of it runs the user's code, and one is to.
local function is_to_begin(state) return WAITING[state] or state == 'Pending' end
