-- Tell how a job has ended.
-- @include lib.clock, lib.records
-- @key jobs           records by job id
-- @key dead           dead letters by their time
-- @key letters        why they died
-- @key result_prefix  of the keys of what is kept of jobs that have ended
-- @arg now_ms         empty for the server's time
-- @arg id             of the job
-- @returns ok, then kept and what is; or dead and why; or open and 1 if it will be kept, else 0; nothing if it is unknown

local kept = call("LINDEX", result_prefix .. id, "0")
if kept and struct.unpack("<I6", kept) > now_ms then return { "ok", "kept", kept } end
local record = call("HGET", jobs, id)
if not record then return { "ok" } end
if call("ZSCORE", dead, id) then return { "ok", "dead", call("HGET", letters, id) } end
return { "ok", "open", read_header(record).result_ms and 1 or 0 }
