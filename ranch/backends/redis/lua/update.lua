-- Change lanes, creating those that are new.
-- @include lib.queue, lib.arrivals, lib.moves, lib.merge, lib.bell
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key lanes           keys of the lanes there are
-- @key bell            list of at most one token
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
-- @rest first  of each change: lane, weight set or empty, one that counts or empty, changes of limits or empty, n, n times field and value or empty
-- @returns ok, what was asked

move()

-- What was set has a field of its own once the two differ.
local function weigh(row, set, weight)
  if set == weight then
    call("HDEL", row, "set_weight")
  elseif set ~= "" then
    call("HSET", row, "set_weight", set)
  else
    call("HSETNX", row, "set_weight", call("HGET", row, "weight") or "1.0")
  end
  call("HSET", row, "weight", weight)
end

local function limit(key, changes)
  local row, lane = lane_prefix .. key, load_lane(key)
  local limits = merge(lane.limits, changes)
  set_limits(row, lane.limits, limits)
  call("HINCRBY", meta, "limited", (limits and 1 or 0) - (lane.limits and 1 or 0))
  lane.limits = limits
  if call("EXISTS", pending_prefix .. key) == 0 then return end
  local was_blocked = lane.blocked
  if is_blocked(lane) then
    if not was_blocked then leave_index(lane) end
    if lane.blocked == "rate" then ring() end
  elseif was_blocked then
    place(lane)
    ring()
  end
end

local i = first
while i <= #ARGV do
  local key, changes, fields = ARGV[i], ARGV[i + 3], tonumber(ARGV[i + 4])
  local row = lane_prefix .. key
  local before = reads_data and load_lane(key).data
  know(key)
  if ARGV[i + 2] ~= "" then weigh(row, ARGV[i + 1], ARGV[i + 2]) end
  i = i + 5
  for _ = 1, fields do
    local field, value = ARGV[i], ARGV[i + 1]
    if value == "" then call("HDEL", row, field) else call("HSET", row, field, value) end
    i = i + 2
  end
  if before and call("EXISTS", pending_prefix .. key) == 1 then
    local lane = load_lane(key)
    for _, name in ipairs(reads_data) do
      if lane.data[name] ~= before[name] then
        if not lane.blocked then place(lane) end
        break
      end
    end
  end
  if changes ~= "" then limit(key, changes) end
end
call("HSET", meta, "tick", queue.tick, "layout", LAYOUT, "strategy", own)
return { "ok", asked }
