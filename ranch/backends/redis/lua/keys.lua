-- One page of the lanes ever used, or of those with pending jobs; of these, those with a tag.
-- @key meta          the queue's row
-- @key ready         index of the lanes with pending jobs
-- @key lanes         keys of the lanes ever used
-- @key lane_prefix   of the keys of lanes' rows
-- @key stale_prefix  of the indexes of earlier strategies
-- @arg cursor        0 for the first page
-- @arg page          how many lanes to look at, about
-- @arg index         empty for all lanes ever used; of those with pending jobs, what the last page said, "first" at first
-- @arg field         of the tag, or empty
-- @arg value         of the tag
-- @returns ok, cursor of the next page or 0, the index to go on with or empty, then lanes

local found, step, following = {}, 1, ""
if index == "" then
  found = call("SSCAN", lanes, cursor, "COUNT", page)
else
  -- What earlier strategies left goes first: a lane that is moved meanwhile is met in the index.
  local choice = call("HMGET", meta, "stale", "generation")
  if index == "first" then index = choice[1] or "ready" end
  -- Members and ranks by turns; before a lane's key stands its order.
  found, step = call("ZSCAN", index == "ready" and ready or stale_prefix .. index, cursor, "COUNT", page), 2
  if found[1] ~= "0" then
    following = index
  elseif index ~= "ready" then
    following = index + 1 < tonumber(choice[2]) and tostring(index + 1) or "ready"
  end
end
local reply = { "ok", found[1], following }
for i = 1, #found[2], step do
  local lane = step == 1 and found[2][i] or string.sub(found[2][i], 14)
  if field == "" or call("HGET", lane_prefix .. lane, field) == value then
    reply[#reply + 1] = lane
  end
end
return reply
