-- The twin of strategy.py, for Redis: the same arithmetic. The strategy's options are in the table `options`.

local function enter(lane, clock)
  return clock.tick
end

local function served(lane, clock, cost)
  return clock.tick
end
