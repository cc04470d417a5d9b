-- Put the jobs of dead letters back into their lanes.
-- @include lib.returns, lib.moves, lib.bell
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
