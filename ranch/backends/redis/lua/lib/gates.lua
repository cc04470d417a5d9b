-- Lanes that a limit keeps out of the index.
-- @include lib.queue, lib.lanes, lib.bells
-- @key meta          the queue's row
-- @key ready         index of the lanes that wait
-- @key timers        what is to be seen to, by its time
-- @key lane_prefix   of the keys of lanes' rows
-- @key stale_prefix  of the indexes of earlier strategies

local function set_blocked(lane, reason)
  if (lane.blocked or nil) == reason then return end
  if reason then call("HSET", lane_prefix .. lane.key, "blocked", reason)
  else call("HDEL", lane_prefix .. lane.key, "blocked") end
  if not lane.blocked then call("HINCRBY", meta, "blocked", 1)
  elseif not reason then call("HINCRBY", meta, "blocked", -1) end
  lane.blocked = reason
end

local function leave_index(lane)
  if not lane.order then return end
  local index = lane.generation == generation and ready or stale_prefix .. lane.generation
  call("ZREM", index, lane.order .. lane.key)
end

-- Take note whether a limit forbids to serve a lane now, and when to look again.
local function is_blocked(lane)
  local reason, at
  if lane.limits then
    -- @include lib.limits
    lane.loaded = lane.loaded or load_limits(lane_prefix .. lane.key, lane.limits)
    reason, at = forbids(lane.loaded, lane.claimed)
    if at then
      call("ZADD", timers, at, "r" .. lane.key)
      -- It may be before what those wait for who wait.
      queue.tick = queue.tick + 1
      alert()
    end
  end
  set_blocked(lane, reason)
  return reason
end

-- Its last ready job is gone.
local function emptied(lane)
  if lane.blocked then set_blocked(lane, nil) else leave_index(lane) end
end
