-- Lanes that become backlogged, and jobs that become ready.
-- @include strategy, lib.queue, lib.lanes, lib.ranks, lib.records
-- @key ready           index of the lanes with pending jobs
-- @key lanes           keys of the lanes ever used
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies

-- By priority; the same as Priority.head_start.
local HEAD_START_MS = { 0, 60000, 180000, 480000, 1080000, 1000000000000 }

-- Rank a lane that became backlogged, or that changed in what its strategy reads.
local function enter(key)
  local lane = load_lane(key)
  if lane.generation ~= generation then
    -- The rank of an earlier strategy means nothing to this one.
    call("ZREM", stale_prefix .. lane.generation, (lane.order or "") .. key)
    call("HSET", lane_prefix .. key, "generation", generation)
    call("HDEL", lane_prefix .. key, "step")
    lane.tag = 0
  end
  queue.tick = queue.tick + 1
  if not lane.order then
    lane.order = string.format("%013x", queue.tick)
    call("SADD", lanes, key)
  end
  local place = rank(strategy_enter, lane)
  call("HSET", lane_prefix .. key, "tag", lane.tag, "order", lane.order)
  -- The order before the key, so that equal ranks stand in the order of their lanes.
  call("ZADD", ready, place, lane.order .. key)
end

-- Put a job, stored already, among the ready ones of its lane.
local function arrive(key, id, due_ms, priority)
  local pending, enters = pending_prefix .. key
  call("ZADD", pending, due_ms - HEAD_START_MS[priority], id)
  if reads_head then
    enters = call("ZRANGE", pending, "0", "0")[1] == id
  else
    enters = call("ZCARD", pending) == 1
  end
  if enters then enter(key) end
end
