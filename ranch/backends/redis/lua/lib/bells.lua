-- Waking those who wait for lanes of a selection only.
-- @include lib.queue
-- @key bell   list of at most one token; beside it lies who listens
-- @key lanes  keys of the lanes there are

-- How many selections are asked whether they have a lane. Those beyond look for themselves after a while.
local ASKED = "100"

-- Wake them for a lane that has come into the index; without one, for whatever else may let them claim.
local function alert(lane)
  local listening = call("ZRANGEBYSCORE", bell .. "s", string.format("%d", now_ms), "+inf", "LIMIT", "0", ASKED)
  if #listening == 0 then return end
  -- @include lib.selections
  for i = 1, #listening do
    local selection = cjson.decode(listening[i])
    local is_named = lane and selection[2] > 0 and call("HEXISTS", names_of(selection), lane) == 1
    if not lane or is_named or fits_any(selection, lane) then
      ring_for(selection)
      -- Until one of them finds nothing again: who does find something wakes the next.
      call("ZREM", bell .. "s", listening[i])
    end
  end
end
