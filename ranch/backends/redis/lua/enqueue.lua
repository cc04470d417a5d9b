-- Put each job into its lane, or let it wait for its time.
-- @include lib.queue, lib.arrivals, lib.moves, lib.delay, lib.bell
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
-- @rest first          of each job: lane, priority, delay in ms or empty, record after its times
-- @returns ok, what was asked, now_ms, number of the first job

move()
local last_id, enqueued, wake = tonumber(stored[4]) or 0, {}, false
local first_id = last_id + 1
for i = first, #ARGV, 4 do
  local lane, priority, delay_ms = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local due_ms = now_ms + (delay_ms or 0)
  last_id = last_id + 1
  local id = string.format("%011x", last_id)
  call("HSET", jobs, id, struct.pack("<I6I6", now_ms, due_ms) .. ARGV[i + 3])
  enqueued[lane] = (enqueued[lane] or 0) + 1
  if delay_ms then
    queue.tick = queue.tick + 1
    call("SADD", lanes, lane)
    wake = delay(id, due_ms) or wake
  else
    arrive(lane, id, due_ms, priority)
    wake = true
  end
end
for lane, count in pairs(enqueued) do
  call("HINCRBY", lane_prefix .. lane, "enqueued", count)
end
call("HSET", meta, "last_id", last_id, "tick", queue.tick)
if not chosen then call("HSET", meta, "layout", LAYOUT, "strategy", own) end
if wake then ring() end
return { "ok", asked, now_ms, first_id }
