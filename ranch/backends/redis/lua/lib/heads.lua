-- The next jobs of lanes, past those that have expired.
-- @include lib.queue
-- @key jobs          records by job id
-- @arg timers_limit  how many expired jobs to meet at most

-- Where in a record its expiry is, before the cost and the flags.
local EXPIRES = 13
local spare = tonumber(timers_limit)

-- Take the first out of a lane: its id, record, cost and flags. If it has expired it ends, and nil is returned, and
-- what became of the lane: "empty", "more" with other jobs, or "spent" if no more expired ones are to be met.
local function take_head(pending)
  local head = call("ZPOPMIN", pending)
  local id, record = head[1], call("HGET", jobs, head[1])
  local expires_ms, cost, _, flags = struct.unpack("<I6dBB", record, EXPIRES)
  if expires_ms == 0 or expires_ms > now_ms then return id, record, cost, flags end
  if spare == 0 then
    call("ZADD", pending, head[2], id)
    return nil, "spent"
  end
  spare = spare - 1
  -- @include lib.endings
  end_job("expired", id, record, read_header(record))
  return nil, call("EXISTS", pending) == 1 and "more" or "empty"
end
