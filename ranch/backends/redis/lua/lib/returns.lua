-- Jobs that come back into their lanes, and those that leave them before they were claimed.
-- @include lib.arrivals, lib.endings
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key pending_prefix  of the keys of lanes' ready jobs

-- Put a job back into its lane, or let it end if it has expired.
local function come_back(id, record, job)
  if job.expires_ms > 0 and job.expires_ms <= now_ms then
    end_job("expired", id, record, job)
  else
    arrive(job.lane, id, job.due_ms, job.priority)
  end
end

-- Take a job that is ready or delayed from where it waits; return whether it was.
local function withdraw(id, job)
  local pending = pending_prefix .. job.lane
  local was_head = reads_head and call("ZRANGE", pending, "0", "0")[1] == id
  if call("ZREM", pending, id) == 1 then
    if call("EXISTS", pending) == 0 then
      emptied(load_lane(job.lane))
    elseif was_head then
      local lane = load_lane(job.lane)
      if not lane.blocked then enter(lane) end
    end
    return true
  end
  if call("ZREM", timers, "d" .. id) == 1 then
    call("HINCRBY", meta, "delayed", -1)
    return true
  end
end
