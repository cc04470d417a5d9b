-- Tell where a job stands.
-- @include lib.records
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key dead            dead letters by their time
-- @arg id              of the job
-- @returns ok, its state or empty, record, time in ms or -1, how many go before it or -1

local record = call("HGET", jobs, id)
if not record then return { "ok", "" } end
local pending = pending_prefix .. read_header(record).lane
local ahead = call("ZRANK", pending, id)
if ahead then return { "ok", "ready", record, -1, ahead } end
local at = call("ZSCORE", timers, "d" .. id)
if at then return { "ok", "delayed", record, at, -1 } end
at = call("ZSCORE", dead, id)
if at then return { "ok", "dead", record, at, -1 } end
return { "ok", "leased", record, -1, -1 }
