-- Remove jobs that are ready or delayed.
-- @include lib.returns, lib.moves
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key lanes           keys of the lanes there are
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @key dedup           by dedup_key the job that holds it
-- @key dead            dead letters by their time
-- @key letters         why they died
-- @key result_prefix   of the keys of what is kept of jobs that have ended
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
-- @arg how             cancelled, or dropped
-- @rest first  job ids
-- @returns ok, what was asked, what ended

move()
for i = first, #ARGV do
  local id = ARGV[i]
  local record = call("HGET", jobs, id)
  local job = record and read_header(record)
  if job and withdraw(id, job) then end_job(how, id, record, job) end
end
call("HSET", meta, "tick", queue.tick)
return { "ok", asked, ended }
