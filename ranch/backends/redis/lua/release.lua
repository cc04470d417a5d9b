-- Give jobs back to their lanes, to their old places or after a delay.
-- @include lib.queue, lib.arrivals, lib.moves, lib.delay, lib.records, lib.bell
-- @key meta            the queue's row
-- @key ready           index of the lanes with pending jobs
-- @key jobs            records by job id
-- @key timers          delayed and leased jobs by their time
-- @key lanes           keys of the lanes ever used
-- @key bell            list of at most one token
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
-- @arg delay_ms        empty for none
-- @rest first          of each lease: job id, token
-- @returns ok, what was asked, now_ms, then the place in the call, from 0 on, of each lease that was lost

move()
delay_ms = tonumber(delay_ms)
local reply, released, wake = { "ok", asked, now_ms }, 0, false
for i = first, #ARGV, 2 do
  local id = ARGV[i]
  if call("ZREM", timers, "l" .. id .. ARGV[i + 1]) == 1 then
    local record = call("HGET", jobs, id)
    local job = read_header(record)
    released, job.attempts = released + 1, job.attempts + 1
    if delay_ms then job.due_ms = now_ms + delay_ms end
    call("HSET", jobs, id, write_header(record, job))
    call("HINCRBY", lane_prefix .. job.lane, "released", 1)
    if delay_ms then
      queue.tick = queue.tick + 1
      wake = delay(id, job.due_ms) or wake
    else
      arrive(job.lane, id, job.due_ms, job.priority)
      wake = true
    end
  else
    reply[#reply + 1] = (i - first) / 2
  end
end
if released > 0 then
  call("HINCRBY", meta, "released", released)
  call("HSET", meta, "tick", queue.tick)
end
if wake then ring() end
return reply
