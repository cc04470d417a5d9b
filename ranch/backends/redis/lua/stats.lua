-- The queue's numbers.
-- @key meta          the queue's row
-- @key ready         index of the lanes with pending jobs
-- @key timers        delayed and leased jobs by their time
-- @key lanes         keys of the lanes ever used
-- @key stale_prefix  of the indexes of earlier strategies
-- @returns ok, fields and values of the queue's row, jobs that wait for a time, lanes, lanes ready

local backlogged, choice = call("ZCARD", ready), call("HMGET", meta, "stale", "generation")
for generation = tonumber(choice[1]) or 0, choice[1] and choice[2] - 1 or -1 do
  backlogged = backlogged + call("ZCARD", stale_prefix .. generation)
end
return {
  "ok", call("HGETALL", meta), call("ZCARD", timers), call("SCARD", lanes), backlogged,
}
