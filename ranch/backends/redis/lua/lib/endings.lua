-- Jobs that go for good, and dead letters.
-- @include policy, lib.queue, lib.records, lib.outcomes, lib.chores
-- @key meta         the queue's row
-- @key jobs         records by job id
-- @key timers       what is to be seen to, by its time
-- @key lane_prefix  of the keys of lanes' rows
-- @key dedup        by dedup_key the job that holds it
-- @key dead         dead letters by their time
-- @key letters      why they died
-- @key result_prefix  of the keys of what is kept of jobs that have ended
-- @constant TRIMMED   how many dead letters go at once when there are too many

local function count(lane, name, by)
  call("HINCRBY", lane_prefix .. lane, name, by)
  call("HINCRBY", meta, name, by)
end

-- Let go of what a job holds.
local function let_go(id, job)
  if job.expires_ms > 0 then call("ZREM", timers, "e" .. id) end
  if job.dedup_key then
    local holder = call("HGET", dedup, job.dedup_key)
    if holder and string.sub(holder, 1, 11) == id then call("HDEL", dedup, job.dedup_key) end
  end
end

local function note(how, id, record)
  ended[#ended + 1], ended[#ended + 2], ended[#ended + 3] = how, id, record
end

-- Let a job go that waits nowhere any more.
local function end_job(how, id, record, job)
  let_go(id, job)
  call("HDEL", jobs, id)
  count(job.lane, how == "expired" and how or "cancelled", 1)
  if job.result_ms then keep(id, job.result_ms, how .. "\0\0") end
  note(how, id, record)
end

-- Remove a dead letter; return its record.
local function forget(id)
  if call("ZREM", dead, id) == 0 then return end
  local record = call("HGET", jobs, id)
  call("HDEL", jobs, id)
  call("HDEL", letters, id)
  call("ZREM", timers, "x" .. id)
  call("HINCRBY", lane_prefix .. read_header(record).lane, "dead", -1)
  return record
end

-- Make a dead letter of a job that waits nowhere any more.
local function die(id, record, job, letter)
  let_go(id, job)
  record = write_header(record, job)
  call("HSET", jobs, id, record)
  call("ZADD", dead, now_ms, id)
  call("HSET", letters, id, letter)
  if dead_ttl_ms then add_chore(now_ms + dead_ttl_ms, "x" .. id) end
  if job.result_ms then keep(id, job.result_ms, "dead\0\0" .. letter) end
  count(job.lane, "died", 1)
  call("HINCRBY", lane_prefix .. job.lane, "dead", 1)
  local extra = math.min(call("ZCARD", dead) - max_dead, TRIMMED)
  if extra > 0 then
    for _, oldest in ipairs(call("ZRANGE", dead, 0, extra - 1)) do forget(oldest) end
  end
  return record
end
