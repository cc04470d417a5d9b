-- Look at a page of the lanes: each that has jobs waits, or will be looked at. And tell their numbers.
-- @include lib.checking, lib.lanes, lib.gates, lib.arrivals, lib.limits
-- @as lib.checking
-- @returns ok, cursor of the next page or 0, of each lane: key, fields and values of its row, ready jobs; of each fault: kind, lane

local found = call("SSCAN", lanes, cursor, "COUNT", page)

-- Let the next claim look at it, and rank it by the strategy.
local function look_at(lane)
  if repair == "" then return end
  set_blocked(lane, lane.blocked or "check")
  call("ZADD", timers, now_ms, "r" .. lane.key)
end

for _, key in ipairs(found[2]) do
  local lane, pending = load_lane(key), call("ZCARD", pending_prefix .. key)
  if lane.blocked and not call("ZSCORE", timers, "r" .. key) then
    local reason, at
    if lane.limits and pending > 0 then
      reason, at = forbids(load_limits(lane_prefix .. key, lane.limits), lane.claimed)
    end
    if at or not reason then
      fault("lane that is not looked at again", key)
      look_at(lane)
    end
  elseif pending > 0 and not lane.blocked then
    local index = lane.generation == generation and ready or stale_prefix .. lane.generation
    if not lane.order or not call("ZSCORE", index, lane.order .. key) then
      fault("lane that does not wait", key)
      look_at(lane)
    end
  end
  if lane_ttl_ms and not call("ZSCORE", timers, "i" .. key) then
    fault("lane without the timer of its idleness", key)
    if repair ~= "" then look_whether_idle(key, lane.order) end
  end
  note(key, call("HGETALL", lane_prefix .. key), pending)
end
return { "ok", found[1], seen, faults }
