-- See to what is due.
-- @include lib.queue, lib.moves, lib.timers, lib.bell
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key lanes           keys of the lanes there are
-- @key bell            list of at most one token
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @key dedup           by dedup_key the job that holds it
-- @key dead            dead letters by their time
-- @key letters         why they died
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
-- @arg limit           how many timers at most
-- @returns ok, what was asked, what ended, how many timers were due, how many of them of leases

move()
local seen, expired = see_to(limit)
if seen > 0 then ring() end
return { "ok", asked, ended, seen, expired }
