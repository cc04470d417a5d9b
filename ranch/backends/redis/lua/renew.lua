-- Let leases last longer, or shorter.
-- @include policy, lib.clock
-- @key timers    delayed and leased jobs by their time
-- @key jobs      records by job id
-- @arg now_ms    empty for the server's time
-- @arg lease_ms  how long the leases last from now
-- @arg final     empty, or 1: their jobs do not come back from them
-- @rest first    of each lease: job id, token
-- @returns ok, now_ms, then the place in the call, from 0 on, of each lease that was lost

local reply, members, held, renewed = { "ok", now_ms }, {}, {}, {}
for i = first, #ARGV, 2 do
  members[#members + 1] = "l" .. ARGV[i] .. ARGV[i + 1]
end
for i, until_ms in ipairs(call("ZMSCORE", timers, unpack(members))) do
  if until_ms then
    held[#held + 1] = members[i]
    renewed[#renewed + 1] = now_ms + lease_ms
    renewed[#renewed + 1] = members[i]
  else
    reply[#reply + 1] = i - 1
  end
end
if #held > 0 then
  -- Taken out first: where memory is short, a script may add once it has removed.
  call("ZREM", timers, unpack(held))
  call("ZADD", timers, unpack(renewed))
end
if final ~= "" then
  -- @include lib.records
  for _, member in ipairs(held) do
    local id = string.sub(member, 2, 12)
    local record = call("HGET", jobs, id)
    local job = read_header(record)
    job.reclaims = math.max(job.reclaims, max_reclaims)
    call("HSET", jobs, id, write_header(record, job))
  end
end
return reply
