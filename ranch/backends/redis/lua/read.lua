-- Read the rows of lanes.
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @rest first          lanes
-- @returns ok, then of each lane: its fields and values, how many jobs are pending

local reply = { "ok" }
for i = first, #ARGV do
  reply[#reply + 1] = call("HGETALL", lane_prefix .. ARGV[i])
  reply[#reply + 1] = call("ZCARD", pending_prefix .. ARGV[i])
end
return reply
