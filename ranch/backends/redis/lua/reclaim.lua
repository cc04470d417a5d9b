-- See to what is due.
-- @include lib.queue, lib.moves, lib.timers, lib.bell
-- @as lib.ranking
-- @arg limit           how many timers at most
-- @returns ok, what was asked, what ended, how many timers were due, how many of them of leases, schedules due

move()
local seen, expired = see_to(limit)
if seen > 0 then ring() end
return { "ok", asked, ended, seen, expired, runs }
