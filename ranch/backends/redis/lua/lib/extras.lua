-- What a claim does where limits, expiries or leases of jobs are in use. Made only then, for each function that a
-- script makes costs each of its calls.
-- @include lib.queue, lib.standing, lib.ranks, lib.limits, lib.gates, lib.bell
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @arg timers_limit    how many expired jobs to meet at most

local extras = {}
local queue_limits = queue.limits and load_limits(meta, queue.limits)
local spare = tonumber(timers_limit)

-- Let another lane stand for the first.
local function replace()
  at = at + 2
  if selected then return selected.add() end
  local other = call("ZPOPMIN", ready)
  if other[1] then insert(other[1], tonumber(other[2])) end
end

-- How many ms until a limit of the queue lets the next claim go; infinite if no time alone does, nil if none is in
-- the way.
function extras.held_up(claims)
  if not queue_limits then return end
  local reason, at_ms = forbids(queue_limits, claims)
  if reason then return at_ms and at_ms - now_ms or math.huge end
end

-- Account for a claim where there is a rate, and note its place where there is a cap on what is in flight.
function extras.charge(lane, capped, place)
  if queue_limits then take_token(meta, queue_limits) end
  if lane.limits then
    lane.loaded = lane.loaded or load_limits(lane_prefix .. lane.key, lane.limits)
    take_token(lane_prefix .. lane.key, lane.loaded)
  end
  if (queue_limits and queue_limits.max_in_flight) or (lane.loaded and lane.loaded.max_in_flight) then
    capped[#capped + 1] = place
  end
end

function extras.is_held_back(lane)
  local reason = lane.limits and is_blocked(lane)
  -- Who waits is to wait for the next token.
  if reason == "rate" then ring() end
  return reason
end

-- Let the job at the head of a lane end, which has expired. 0 if no more such jobs are to be met: it stays then.
function extras.pass_over(lane, id, place, record)
  -- @include lib.endings
  local pending = pending_prefix .. lane.key
  if spare == 0 then
    call("ZADD", pending, place, id)
    return 0
  end
  spare = spare - 1
  end_job("expired", id, record, read_header(record))
  if call("EXISTS", pending) == 0 then
    replace()
  elseif reads_head then
    replace()
    queue.tick = queue.tick + 1
    -- The claim says so only of the ticks of jobs that it leases.
    call("HSET", meta, "tick", queue.tick)
    insert(lane.order .. lane.key, rank(strategy_enter, lane))
    call("HSET", lane_prefix .. lane.key, "tag", lane.tag)
  end
end

-- How long the lease of a job lasts in ms, if it says so itself.
function extras.lease_of(record)
  -- @include lib.records
  return read_header(record).lease_ms
end

return extras
