-- Jobs that wait for their time.
-- @key timers  delayed and leased jobs by their time

-- Let a job wait; return whether it is the next of all.
local function delay(id, at_ms)
  local member = "d" .. id
  call("ZADD", timers, at_ms, member)
  return call("ZRANGE", timers, 0, 0)[1] == member
end
