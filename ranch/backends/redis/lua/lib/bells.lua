-- Waking those who wait for lanes of a selection only.
-- @include lib.queue
-- @key bell   list of at most one token; beside it lies who listens
-- @key lanes  keys of the lanes there are

-- How many selections are asked whether they have a lane: those beyond look for themselves after a while. And how often
-- in one call a lane is held against a pattern or looked up among names: after that all are woken, to look themselves.
local ASKED, HELD = "100", 10000
-- Selections that somebody listens for, each after what stands for it in the store.
local listening, held = nil, 0

-- Wake them for a lane that has come into the index; without one, for whatever else may let them claim.
local function alert(lane)
  if not listening then
    listening = call("ZRANGEBYSCORE", bell .. "s", string.format("%d", now_ms), "+inf", "LIMIT", "0", ASKED)
    for i, member in ipairs(listening) do listening[i] = { member, cjson.decode(member) } end
  end
  if #listening == 0 then return end
  -- @include lib.selections
  local others = {}
  for _, listener in ipairs(listening) do
    local selection = listener[2]
    held = held + #selection - 1
    local is_woken = not lane or held > HELD
      or selection[2] > 0 and call("HEXISTS", names_of(selection), lane) == 1 or fits_any(selection, lane)
    if is_woken then
      ring_for(selection)
      -- Until one of them finds nothing again: who does find something wakes the next.
      call("ZREM", bell .. "s", listener[1])
    else
      others[#others + 1] = listener
    end
  end
  listening = others
end
