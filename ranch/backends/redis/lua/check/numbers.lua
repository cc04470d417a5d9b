-- Correct the numbers of a row, if they are still what they were.
-- @key meta            the queue's row
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @arg lane            whose row, or empty for the queue's
-- @arg pending         ready jobs there were in the lane
-- @arg known           how many of the following are as they were
-- @rest first  field and value as it was or empty, by turns; then field and right value
-- @returns ok, 1 if it was corrected

local row = lane == "" and meta or lane_prefix .. lane
if lane ~= "" and call("ZCARD", pending_prefix .. lane) ~= tonumber(pending) then return { "ok", 0 } end
local last = first + 2 * known - 1
for i = first, last, 2 do
  if (call("HGET", row, ARGV[i]) or "") ~= ARGV[i + 1] then return { "ok", 0 } end
end
call("HSET", row, unpack(ARGV, last + 1))
return { "ok", 1 }
