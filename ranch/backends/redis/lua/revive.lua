-- Put the jobs of dead letters back into their lanes.
-- @include lib.returns, lib.moves, lib.bell
-- @as lib.ranking
-- @rest first  job ids
-- @returns ok, what was asked, then of each: id, record

move()
local reply = { "ok", asked }
for i = first, #ARGV do
  local id = ARGV[i]
  if call("ZSCORE", dead, id) then
    local record = call("HGET", jobs, id)
    forget(id)
    local job = read_header(record)
    job.failures, job.reclaims, job.expires_ms, job.due_ms = 0, 0, 0, now_ms
    if job.result_ms then call("DEL", result_prefix .. id) end
    record = write_header(record, job)
    call("HSET", jobs, id, record)
    count(job.lane, "revived", 1)
    arrive(job.lane, id, job.due_ms, job.priority)
    reply[#reply + 1], reply[#reply + 2] = id, record
  end
end
if #reply > 2 then
  call("HSET", meta, "tick", queue.tick)
  ring()
end
return reply
