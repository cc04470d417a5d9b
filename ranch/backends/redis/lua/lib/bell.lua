-- The bell: wakes one waiter, who claims, and whose claim wakes the next.
-- @key bell  list of at most one token

local function ring()
  if call("LLEN", bell) == 0 then call("RPUSH", bell, "1") end
end
