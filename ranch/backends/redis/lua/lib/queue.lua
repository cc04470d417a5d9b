-- The queue's row. A strategy sees it as its clock.
-- @include lib.clock
-- @key meta  the queue's row
-- @arg own   text of the strategy that the client has; empty if the call ranks nothing

local LAYOUT = 6

local stored = call(
  "HMGET", meta,
  "virtual", "tick", "claimed", "last_id", "layout", "strategy", "generation", "stale", "limits", "limited"
)
local layout = tonumber(stored[5])
if layout and layout ~= LAYOUT then return { "layout", layout } end

-- The strategy that the queue has, how often it was set, and the first of its predecessors under which
-- lanes may wait.
local chosen, generation, stale = stored[6], tonumber(stored[7]) or 0, tonumber(stored[8])
if chosen and own ~= "" and chosen ~= own then return { "strategy", chosen, generation, own } end

local queue = {
  virtual = tonumber(stored[1]) or 0,
  tick = tonumber(stored[2]) or 0,
  now = now_ms / 1000,
  -- Text of the queue's limits, if it has any; and whether a lane has.
  limits = stored[9],
  has_limited_lanes = stored[10] ~= "0" and stored[10],
}
-- Jobs that ended on the way: of each how, its id and its record.
local ended = {}
