-- The queue's row. A strategy sees it as its clock.
-- @include lib.clock
-- @key meta  the queue's row

local LAYOUT = 1

local stored = call("HMGET", meta, "virtual", "tick", "claimed", "last_id", "layout")
local layout = tonumber(stored[5])
if layout and layout > LAYOUT then return { "layout", layout } end

local queue = {
  virtual = tonumber(stored[1]) or 0,
  tick = tonumber(stored[2]) or 0,
  now = now_ms / 1000,
}
