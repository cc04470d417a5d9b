-- The twin of deadline.py: see there for what it promises.

local function enter(lane, clock)
  return lane.since + (lane.data.deadline or options.default)
end

local function served(lane, clock, cost)
  return enter(lane, clock)
end
