-- The row of a lane, as its strategy sees it.
-- @include strategy
-- @key lane_prefix  of the keys of lanes' rows

local NO_DATA = {}

local function load_lane(key)
  local row, values, data = lane_prefix .. key, nil, NO_DATA
  if reads_data then
    values = call(
      "HMGET", row, "weight", "tag", "order", "claimed", "generation", "limits", "blocked", unpack(data_fields)
    )
    data = {}
    for i, name in ipairs(reads_data) do
      -- Custom data are JSON: a number there is one for Lua too, anything else is none.
      local number = tonumber(values[7 + i])
      if number and number - number == 0 then data[name] = number end
    end
  else
    values = call("HMGET", row, "weight", "tag", "order", "claimed", "generation", "limits", "blocked")
  end
  return {
    key = key,
    weight = tonumber(values[1]) or 1,
    tag = tonumber(values[2]) or 0,
    order = values[3],
    claimed = tonumber(values[4]) or 0,
    generation = tonumber(values[5]) or 0,
    limits = values[6],
    blocked = values[7],
    data = data,
  }
end
