-- Change a schedule that is as it was seen, and enqueue its job for each of its runs.
-- @include lib.seen, lib.intake
-- @as lib.ranking
-- @key schedules  by their names
-- @arg name       of the schedule
-- @arg before     its text as it was seen, empty if there was none
-- @arg after      its text from now on, empty if it goes
-- @arg look_ms    when it is to be looked at, empty for never
-- @rest first     of each run as for an enqueue, with its time in the place of a delay
-- @returns ok, nobody asked, changed: it was another; or ok and so on as an enqueue says

if after == "" then call("HDEL", schedules, name) else call("HSET", schedules, name, after) end
local member = "s" .. name
call("ZREM", timers, member)
if look_ms ~= "" then
  call("ZADD", timers, look_ms, member)
  if call("ZRANGEBYSCORE", timers, "0", "+inf", "LIMIT", "0", "1")[1] == member then
    ring()
    alert()
  end
end
call("HINCRBY", meta, "tick", 1)
return reply
