-- Read one dead letter.
-- @key jobs     records by job id
-- @key dead     dead letters by their time
-- @key letters  why they died
-- @arg id       of its job
-- @returns ok, then id, time of death in ms, record, why; nothing if there is none

local at = call("ZSCORE", dead, id)
if not at then return { "ok" } end
return { "ok", id, at, call("HGET", jobs, id), call("HGET", letters, id) }
