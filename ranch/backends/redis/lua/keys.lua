-- One page of the lanes ever used, or of those with pending jobs; of these, those with a tag.
-- @key ready        index of the lanes with pending jobs
-- @key lanes        keys of the lanes ever used
-- @key lane_prefix  of the keys of lanes' rows
-- @arg cursor       0 for the first page
-- @arg page         how many lanes to look at, about
-- @arg backlogged   empty for all lanes ever used
-- @arg field        of the tag, or empty
-- @arg value        of the tag
-- @returns ok, cursor of the next page or 0, then lanes

local found, step = {}, 1
if backlogged == "" then
  found = call("SSCAN", lanes, cursor, "COUNT", page)
else
  -- Members and ranks by turns; before a lane's key stands its order.
  found, step = call("ZSCAN", ready, cursor, "COUNT", page), 2
end
local reply = { "ok", found[1] }
for i = 1, #found[2], step do
  local lane = step == 1 and found[2][i] or string.sub(found[2][i], 14)
  if field == "" or call("HGET", lane_prefix .. lane, field) == value then
    reply[#reply + 1] = lane
  end
end
return reply
