-- What a claim has to ask where limits, and leases of jobs, are in use.
-- @include lib.queue, lib.standing, lib.ranks
-- @key meta         the queue's row
-- @key ready        index of the lanes that wait
-- @key timers       what is to be seen to, by its time
-- @key lane_prefix  of the keys of lanes' rows
-- @arg lease_ms     how long leases last, if jobs do not say it themselves

local queue_gate

local function open_queue_gate()
  -- @include lib.limits
  local limits = load_limits(meta, queue.limits)
  return {
    forbids = function(claims) return forbids(limits, claims) end,
    charge = function() take_token(meta, limits) end,
  }
end

-- How many ms until a limit of the queue lets the next claim go; infinite if no time alone does, nil if none is in
-- the way.
local function held_up(claims)
  if not queue.limits then return end
  queue_gate = queue_gate or open_queue_gate()
  local reason, at_ms = queue_gate.forbids(claims)
  if reason then return at_ms and at_ms - now_ms or math.huge end
end

-- Account for a claim where there is a rate.
local function charge(lane)
  if queue_gate then queue_gate.charge() end
  if not lane.limits then return end
  -- @include lib.limits
  lane.loaded = lane.loaded or load_limits(lane_prefix .. lane.key, lane.limits)
  take_token(lane_prefix .. lane.key, lane.loaded)
end

local function is_held_back(lane)
  if not lane.limits then return end
  -- @include lib.gates
  return is_blocked(lane)
end

-- Another job stands at the head of a lane that was about to be served.
local function rank_anew(lane)
  queue.tick = queue.tick + 1
  insert(lane.order .. lane.key, rank(strategy_enter, lane))
  call("HSET", lane_prefix .. lane.key, "tag", lane.tag)
end

-- How long the lease of a job lasts in ms: as it says itself, else as the claim does.
local function lease_of(record, flags)
  if flags % 4 < 2 then return lease_ms end
  -- @include lib.records
  return read_header(record).lease_ms
end
