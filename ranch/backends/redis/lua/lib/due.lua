-- What is done when a timer's time has come, by the letter it begins with.
-- @include lib.returns, lib.leases, lib.lanes, lib.gates
-- @key meta         the queue's row
-- @key jobs         records by job id
-- @key lanes        keys of the lanes there are
-- @key lane_prefix  of the keys of lanes' rows
-- @constant PATIENCE_MS  after which a schedule that nobody has fired is told again

local due = {}

-- Delayed jobs whose timers are out and were not seen to yet.
local falling = {}

function due.d(id, record, job)
  falling[id] = nil
  call("HINCRBY", meta, "delayed", -1)
  come_back(id, record, job)
end

function due.e(id, record, job)
  -- One that is leased is left to its owner: it ends when it would come back.
  if falling[id] then
    call("HINCRBY", meta, "delayed", -1)
    end_job("expired", id, record, job)
  elseif withdraw(id, job) then
    end_job("expired", id, record, job)
  end
end

function due.l(id, record, job)
  job.attempts, job.reclaims = job.attempts + 1, job.reclaims + 1
  record = write_header(record, job)
  call("HSET", jobs, id, record)
  count(job.lane, "reclaimed", 1)
  freed(job.lane)
  local has_expired = job.expires_ms > 0 and job.expires_ms <= now_ms
  if job.reclaims > max_reclaims and not has_expired then
    note("dead", id, die(id, record, job, worker_lost))
  else
    come_back(id, record, job)
  end
end

-- A lane that was held back.
function due.r(key)
  local lane = load_lane(key)
  if not lane.blocked then return end
  set_blocked(lane, nil)
  if call("EXISTS", pending_prefix .. key) == 1 then enter(lane) end
end

-- A schedule. Whoever calls is to fire it; if they die, it is told again after schedule.PATIENCE.
function due.s(name)
  call("ZADD", timers, now_ms + PATIENCE_MS, "s" .. name)
  runs[#runs + 1] = name
end
