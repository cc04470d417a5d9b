-- The row of a lane, as its strategy sees it.
-- @include strategy
-- @key lane_prefix  of the keys of lanes' rows

local function load_lane(key)
  local row, values = lane_prefix .. key
  if reads_bid then
    values = call("HMGET", row, "weight", "tag", "order", "claimed", "data:bid")
  else
    values = call("HMGET", row, "weight", "tag", "order", "claimed")
  end
  return {
    key = key,
    weight = tonumber(values[1]) or 1,
    tag = tonumber(values[2]) or 0,
    order = values[3],
    claimed = tonumber(values[4]) or 0,
    -- Custom data are JSON: a number there is one for Lua too; anything else is none, and bids 0.
    bid = tonumber(values[5]) or 0,
  }
end
