-- One page of the lanes ever used, or of those with a tag.
-- @key lanes        keys of the lanes ever used
-- @key lane_prefix  of the keys of lanes' rows
-- @arg cursor       0 for the first page
-- @arg page         how many lanes to look at, about
-- @arg field        of the tag, or empty
-- @arg value        of the tag
-- @returns ok, cursor of the next page or 0, then lanes

local found = call("SSCAN", lanes, cursor, "COUNT", page)
local reply = { "ok", found[1] }
for _, lane in ipairs(found[2]) do
  if field == "" or call("HGET", lane_prefix .. lane, field) == value then
    reply[#reply + 1] = lane
  end
end
return reply
