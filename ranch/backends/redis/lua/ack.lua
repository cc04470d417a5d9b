-- Remove jobs that are done.
-- @key meta         the queue's row
-- @key jobs         records by job id
-- @key timers       what is to be seen to, by its time
-- @key bell         list of at most one token
-- @key lanes        keys of the lanes there are
-- @key lane_prefix  of the keys of lanes' rows
-- @key dedup        by dedup_key the job that holds it
-- @key result_prefix  of the keys of what is kept of jobs that have ended
-- @arg now_ms       empty for the server's time
-- @arg own          empty
-- @rest first  of each lease: job id, token, lane, e if it has an expiry, its dedup_key,
--   and for how many ms in six bytes what is kept of it, or nothing
-- @returns ok, 0, then the place in the call, from 0 on, of each lease that was lost

local reply, acked, done = { "ok", 0 }, {}, {}
local keeping
for i = first, #ARGV, 6 do
  local id, lane, dedup_key, result = ARGV[i], ARGV[i + 2], ARGV[i + 4], ARGV[i + 5]
  if call("ZREM", timers, "l" .. id .. ARGV[i + 1]) == 1 then
    done[#done + 1] = id
    acked[lane] = (acked[lane] or 0) + 1
    if ARGV[i + 3] ~= "" then call("ZREM", timers, "e" .. id) end
    if dedup_key ~= "" and string.sub(call("HGET", dedup, dedup_key) or "", 1, 11) == id then
      call("HDEL", dedup, dedup_key)
    end
    if result ~= "" then
      if not keeping then
        -- @include lib.outcomes
        keeping = keep
      end
      keeping(id, struct.unpack("<I6", result), string.sub(result, 7))
    end
  else
    reply[#reply + 1] = (i - first) / 6
  end
end
if #done == 0 then return reply end
call("HDEL", jobs, unpack(done))
for lane, count in pairs(acked) do
  call("HINCRBY", lane_prefix .. lane, "acked", count)
end
call("HINCRBY", meta, "acked", #done)
local limits = call("HMGET", meta, "limits", "limited")
if limits[1] or (limits[2] and limits[2] ~= "0") then
  -- @include lib.leases, lib.bell
  local wake = false
  for lane, count in pairs(acked) do
    for _ = 1, count do wake = freed(lane) or wake end
  end
  if wake then
    call("HSET", meta, "tick", queue.tick)
    ring()
  end
end
return reply
