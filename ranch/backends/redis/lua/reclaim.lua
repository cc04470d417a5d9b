-- Take jobs whose time has come back into their lanes.
-- @include lib.queue, lib.moves, lib.timers, lib.bell
-- @key meta            the queue's row
-- @key ready           index of the lanes with pending jobs
-- @key jobs            records by job id
-- @key timers          delayed and leased jobs by their time
-- @key lanes           keys of the lanes ever used
-- @key bell            list of at most one token
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
-- @arg limit           how many jobs at most
-- @returns ok, what was asked, how many came back, how many of them from an expired lease

move()
local taken, expired = take_back(limit)
if taken > 0 then ring() end
return { "ok", asked, taken, expired }
