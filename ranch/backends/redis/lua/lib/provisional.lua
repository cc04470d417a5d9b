-- Stands in for a strategy that has no twin: gives lanes a place, and notes what to ask the client's.
-- @include lib.queue
-- @key ready        index of the lanes with pending jobs
-- @key lane_prefix  of the keys of lanes' rows

-- The generation; of each question: the lane, and what the strategy is shown. See questions.py.
local asked = { generation }
-- Not a number, which no number in a question is.
local NONE = 0 / 0
local highest = tonumber(call("ZREVRANGE", ready, "0", "0", "WITHSCORES")[2])

-- After a service, as far behind as the last service put the lane: under most strategies that is near
-- the truth, so that the rest of a batch, and others who claim meanwhile, choose as they should. With no
-- such step known, behind all that wait, those of this call included. Either way, if the answer never
-- comes, the lane is served in its turn.
local function provisional(lane, clock, cost)
  highest = math.max(highest or lane.tag, clock.virtual, lane.tag)
  call("HSET", lane_prefix .. lane.key, "asked", clock.tick)
  local shown = struct.pack(
    "<I6ddddddddB", clock.tick, clock.virtual, clock.now, cost or 0,
    lane.weight, lane.tag, lane.since, lane.cost, lane.bid or NONE, lane.priority
  )
  for _, name in ipairs(reads_data or {}) do
    shown = shown .. struct.pack("<d", lane.data[name] or NONE)
  end
  asked[#asked + 1], asked[#asked + 2] = lane.key, shown
  local step = cost and call("HGET", lane_prefix .. lane.key, "step")
  return step and lane.tag + step or highest
end

local strategy_enter, strategy_served = provisional, provisional
