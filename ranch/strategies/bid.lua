-- The twin of bid.py: see there for what it promises.

local function enter(lane, clock)
  return options.ageing * lane.since - (lane.bid or lane.data.bid or 0)
end

local function served(lane, clock, cost)
  return enter(lane, clock)
end
