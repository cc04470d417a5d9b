-- The twin of weighted_lru.py: see there for what it promises.

local function enter(lane, clock)
  -- Not reading it, a lane has a cost of 0: that is the front.
  return math.max(clock.virtual + lane.weight * lane.cost, lane.tag)
end

local function served(lane, clock, cost)
  return math.max(clock.virtual, lane.tag) + lane.weight * cost
end
