-- Leases that end.
-- @include lib.queue, lib.bells
-- @key meta         the queue's row
-- @key timers       what is to be seen to, by its time
-- @key lane_prefix  of the keys of lanes' rows

-- Account for a lease of a lane that has ended; return whether that may let something be claimed.
local function freed(lane)
  if queue.has_limited_lanes and call("HGET", lane_prefix .. lane, "blocked") == "max_in_flight" then
    -- The next claim lets it in.
    call("ZADD", timers, now_ms, "r" .. lane)
  elseif not (queue.limits and string.find(queue.limits, "^%S+ %d")) then
    return false
  end
  queue.tick = queue.tick + 1
  alert()
  return true
end
