-- Give jobs back to their lanes, to their old places or after a delay.
-- @include lib.returns, lib.leases, lib.moves, lib.delay, lib.bell
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key lanes           keys of the lanes there are
-- @key bell            list of at most one token
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @key dedup           by dedup_key the job that holds it
-- @key dead            dead letters by their time
-- @key letters         why they died
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
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
    if failed ~= "" then job.failures = job.failures + 1 end
    count(job.lane, counter, 1)
    freed(job.lane)
    local is_late = delay_ms and not (job.expires_ms > 0 and job.expires_ms <= now_ms)
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
