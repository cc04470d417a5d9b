-- Timers that no job waits for.
-- @key timers  what is to be seen to, by its time

-- See to something at that time, or later: when nothing else is due. Chores stand at the negative of their times, where
-- what looks for timers that are due finds none; one timer, `h`, stands for the next of them.
local function add_chore(at_ms, chore)
  -- LT: a chore is only ever put off, and `h` only brought forward.
  call("ZADD", timers, "LT", -at_ms, chore, at_ms, "h")
end
