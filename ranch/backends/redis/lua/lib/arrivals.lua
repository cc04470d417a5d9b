-- Lanes that become backlogged, and jobs that become ready.
-- @include strategy, policy, lib.queue, lib.lanes, lib.ranks, lib.gates, lib.bells, lib.chores
-- @key ready           index of the lanes that wait
-- @key timers          what is to be seen to, by its time
-- @key bell            list of at most one token
-- @key lanes           keys of the lanes there are
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @constant HEAD_START_MS  by priority
-- @constant LOOKS          lanes are looked at together, so many times in their time to live

-- Look some day whether a lane is idle, and can be forgotten.
local function look_whether_idle(key, order)
  if not lane_ttl_ms then return end
  local grid = math.ceil(lane_ttl_ms / LOOKS)
  add_chore(math.ceil((now_ms + lane_ttl_ms) / grid) * grid, "i" .. key)
  if order then call("HSET", lane_prefix .. key, "idle_order", order) end
end

-- Take note of a lane that may be new.
local function know(key)
  if call("SADD", lanes, key) == 1 then look_whether_idle(key) end
end

-- Rank a lane that became backlogged, or that changed in what its strategy reads.
local function place(lane)
  local key = lane.key
  if lane.generation ~= generation then
    -- The rank of an earlier strategy means nothing to this one.
    if lane.order then call("ZREM", stale_prefix .. lane.generation, lane.order .. key) end
    call("HSET", lane_prefix .. key, "generation", generation)
    call("HDEL", lane_prefix .. key, "step")
    lane.generation, lane.tag = generation, 0
  end
  queue.tick = queue.tick + 1
  lane.order = lane.order or string.format("%013x", queue.tick)
  local at = rank(strategy_enter, lane)
  call("HSET", lane_prefix .. key, "tag", lane.tag, "order", lane.order)
  -- The order before the key, so that equal ranks stand in the order of their lanes.
  call("ZADD", ready, at, lane.order .. key)
  alert(key)
end

-- Let a lane wait to be served, unless a limit forbids it.
local function enter(lane)
  if not lane.order then know(lane.key) end
  if (lane.limits or lane.blocked) and is_blocked(lane) then return end
  place(lane)
end

-- Put a job, stored already, among the ready ones of its lane.
local function arrive(key, id, due_ms, priority)
  local pending = pending_prefix .. key
  call("ZADD", pending, due_ms - HEAD_START_MS[priority], id)
  if call("ZCARD", pending) == 1 then
    enter(load_lane(key))
  elseif reads_head and call("ZRANGE", pending, "0", "0")[1] == id then
    local lane = load_lane(key)
    if not lane.blocked then enter(lane) end
  end
end
