-- The next jobs of lanes, past those that have expired.
-- @include lib.queue
-- @key jobs          records by job id
-- @arg timers_limit  how many expired jobs to meet at most

-- Where in a record its expiry is, before the cost and the flags.
local EXPIRES = 13
local spare = tonumber(timers_limit)

-- Take the first out of a lane: its id, record, cost and flags; without one nil, and whether there may be one.
local function take_head(pending)
  while true do
    local head = call("ZPOPMIN", pending)
    local id = head[1]
    if not id then return nil, false end
    local record = call("HGET", jobs, id)
    local expires_ms, cost, _, flags = struct.unpack("<I6dBB", record, EXPIRES)
    if expires_ms == 0 or expires_ms > now_ms then return id, record, cost, flags end
    if spare == 0 then
      call("ZADD", pending, head[2], id)
      return nil, true
    end
    spare = spare - 1
    -- @include lib.endings
    end_job("expired", id, record, read_header(record))
  end
end
