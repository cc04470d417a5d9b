-- Jobs whose time has come, back into their lanes.
-- @include lib.queue, lib.lanes, lib.ranks
-- @key meta         the queue's row
-- @key timers       delayed and leased jobs by their time
-- @key jobs         records by job id
-- @key lane_prefix  of the keys of lanes' rows

-- Take back up to `limit` jobs; return how many, and how many of them had been leased.
local function take_back(limit)
  -- As text: the server would print a number as a float, which takes it longer.
  local now = string.format("%d", now_ms)
  local due = call("ZRANGEBYSCORE", timers, "-inf", now, "LIMIT", "0", limit)
  if #due == 0 then return 0, 0 end
  -- @include lib.arrivals, lib.records
  call("ZREM", timers, unpack(due))
  local expired = 0
  for i = 1, #due do
    local id = string.sub(due[i], 2, 12)
    local record = call("HGET", jobs, id)
    local job = read_header(record)
    if string.sub(due[i], 1, 1) == "l" then
      expired = expired + 1
      job.attempts, job.reclaims = job.attempts + 1, job.reclaims + 1
      call("HSET", jobs, id, write_header(record, job))
      call("HINCRBY", lane_prefix .. job.lane, "reclaimed", 1)
    end
    arrive(job.lane, id, job.due_ms, job.priority)
  end
  if expired > 0 then call("HINCRBY", meta, "reclaimed", expired) end
  call("HSET", meta, "tick", queue.tick)
  return #due, expired
end
