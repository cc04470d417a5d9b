-- Remove jobs that are done.
-- @key meta         the queue's row
-- @key jobs         records by job id
-- @key timers       delayed and leased jobs by their time
-- @key lane_prefix  of the keys of lanes' rows
-- @rest first       of each lease: job id, token, lane
-- @returns ok, 0, then the place in the call, from 0 on, of each lease that was lost

local reply, acked, done = { "ok", 0 }, {}, {}
for i = first, #ARGV, 3 do
  local id, lane = ARGV[i], ARGV[i + 2]
  if call("ZREM", timers, "l" .. id .. ARGV[i + 1]) == 1 then
    done[#done + 1] = id
    acked[lane] = (acked[lane] or 0) + 1
  else
    reply[#reply + 1] = (i - first) / 3
  end
end
if #done > 0 then
  call("HDEL", jobs, unpack(done))
  for lane, count in pairs(acked) do
    call("HINCRBY", lane_prefix .. lane, "acked", count)
  end
  call("HINCRBY", meta, "acked", #done)
end
return reply
