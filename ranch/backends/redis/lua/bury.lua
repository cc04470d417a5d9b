-- Make dead letters of jobs.
-- @include lib.leases, lib.endings, lib.bell
-- @key meta         the queue's row
-- @key jobs         records by job id
-- @key timers       what is to be seen to, by its time
-- @key bell         list of at most one token
-- @key lanes        keys of the lanes there are
-- @key lane_prefix  of the keys of lanes' rows
-- @key dedup        by dedup_key the job that holds it
-- @key dead         dead letters by their time
-- @key letters      why they died
-- @key result_prefix  of the keys of what is kept of jobs that have ended
-- @arg now_ms       empty for the server's time
-- @arg own          empty
-- @arg letter       why, as the client reads it
-- @rest first  of each lease: job id, token
-- @returns ok, 0, then the place in the call, from 0 on, of each lease that was lost

local reply, wake = { "ok", 0 }, false
for i = first, #ARGV, 2 do
  local id = ARGV[i]
  if call("ZREM", timers, "l" .. id .. ARGV[i + 1]) == 1 then
    local record = call("HGET", jobs, id)
    local job = read_header(record)
    job.attempts, job.failures = job.attempts + 1, job.failures + 1
    count(job.lane, "failed", 1)
    wake = freed(job.lane) or wake
    die(id, record, job, letter)
  else
    reply[#reply + 1] = (i - first) / 2
  end
end
if wake then
  call("HSET", meta, "tick", queue.tick)
  ring()
end
return reply
