-- Let leases last longer, or shorter.
-- @include policy, lib.clock
-- @key timers    delayed and leased jobs by their time
-- @key jobs      records by job id
-- @arg now_ms    empty for the server's time
-- @arg lease_ms  how long the leases last from now
-- @arg final     empty, or 1: their jobs do not come back from them
-- @rest first    of each lease: job id, token
-- @returns ok, now_ms, then the place in the call, from 0 on, of each lease that was lost

local reply, members, renewed = { "ok", now_ms }, {}, {}
for i = first, #ARGV, 2 do
  members[#members + 1] = "l" .. ARGV[i] .. ARGV[i + 1]
end
local held = call("ZMSCORE", timers, unpack(members))
for i = 1, #members do
  if held[i] then
    renewed[#renewed + 1] = now_ms + lease_ms
    renewed[#renewed + 1] = members[i]
  else
    reply[#reply + 1] = i - 1
  end
end
if #renewed > 0 then call("ZADD", timers, unpack(renewed)) end
if final ~= "" then
  -- @include lib.records
  for i = 2, #renewed, 2 do
    local id = string.sub(renewed[i], 2, 12)
    local record = call("HGET", jobs, id)
    local job = read_header(record)
    job.reclaims = math.max(job.reclaims, max_reclaims)
    call("HSET", jobs, id, write_header(record, job))
  end
end
return reply
