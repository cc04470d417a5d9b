-- The twin of lottery.py: see there for what it promises.

local PRIME, ROUND = 67108859, 41421356

local function wait(tick)
  local x = tick % PRIME
  for number = 1, 4 do
    x = (x + options.seed + number * ROUND) % PRIME
    x = x * x % PRIME * x % PRIME
  end
  return math.floor(-math.log((x + 0.5) / PRIME) * 2 ^ 20 + 0.5) / 2 ^ 20
end

local function enter(lane, clock)
  return clock.virtual + lane.weight * wait(clock.tick)
end

local function served(lane, clock, cost)
  return clock.virtual + lane.weight * cost * wait(clock.tick)
end
