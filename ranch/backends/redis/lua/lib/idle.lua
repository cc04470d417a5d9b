-- The end of a claim that has found nothing.
-- @key timers  what is to be seen to, by its time

local soonest = call("ZRANGEBYSCORE", timers, "0", "+inf", "WITHSCORES", "LIMIT", "0", "1")[2]
if soonest then idle_ms = math.min(idle_ms or math.huge, math.max(0, soonest - now_ms)) end
if idle_ms and idle_ms < math.huge then reply[6] = idle_ms end
return reply
