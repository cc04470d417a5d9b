-- The queue's numbers.
-- @key meta    the queue's row
-- @key ready   index of the lanes with pending jobs
-- @key timers  delayed and leased jobs by their time
-- @key lanes   keys of the lanes ever used
-- @returns ok, fields and values of the queue's row, jobs that wait for a time, lanes, lanes ready

return {
  "ok", call("HGETALL", meta), call("ZCARD", timers), call("SCARD", lanes), call("ZCARD", ready),
}
