-- Give jobs back to their lanes, to their old places or after a delay.
-- @include lib.returns, lib.leases, lib.moves, lib.delay, lib.bell
-- @as lib.ranking
-- @arg delay_ms        empty for none
-- @arg failed          empty, or 1: their failures are counted
-- @rest first  of each lease: job id, token
-- @returns ok, what was asked, what ended, then the place in the call, from 0 on, of each lease that was lost

move()
delay_ms = tonumber(delay_ms)
local reply, settled = { "ok", asked, ended }, false
local counter = failed == "" and "released" or "failed"
for i = first, #ARGV, 2 do
  local id = ARGV[i]
  if call("ZREM", timers, "l" .. id .. ARGV[i + 1]) == 1 then
    local record = call("HGET", jobs, id)
    local job = read_header(record)
    settled, job.attempts = true, job.attempts + 1
    local has_expired = job.expires_ms > 0 and job.expires_ms <= now_ms
    if failed ~= "" then
      job.failures = job.failures + 1
      if not has_expired then count(job.lane, "retried", 1) end
    end
    count(job.lane, counter, 1)
    freed(job.lane)
    local is_late = delay_ms and not has_expired
    if is_late then job.due_ms = now_ms + delay_ms end
    record = write_header(record, job)
    call("HSET", jobs, id, record)
    if is_late then delay(id, job.due_ms) else come_back(id, record, job) end
  else
    reply[#reply + 1] = (i - first) / 2
  end
end
if settled then
  call("HSET", meta, "tick", queue.tick)
  ring()
end
return reply
