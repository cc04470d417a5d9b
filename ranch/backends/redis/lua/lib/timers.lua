-- What time brings.
-- @include lib.queue, lib.lanes, lib.ranks
-- @key meta    the queue's row
-- @key timers  what is to be seen to, by its time
-- @key jobs    records by job id

-- Names of the schedules that are due.
local runs = {}

-- See to the first `limit` timers whose time has come, then to chores; return how many, and how many leases had expired.
local function see_to(limit)
  -- As text: the server would print a number as a float, which takes it longer.
  local now = string.format("%d", now_ms)
  local first = call("ZRANGEBYSCORE", timers, "0", now, "LIMIT", "0", limit)
  if #first == 0 then return 0, 0 end
  -- @include lib.due, lib.housekeeping
  local seen, expired, has_chores = 0, 0, false
  -- One may make another due at once: a lease that expired lets the lane be looked at that its limit held back.
  while #first > 0 do
    seen = seen + #first
    call("ZREM", timers, unpack(first))
    for i = 1, #first do
      if string.sub(first[i], 1, 1) == "d" then falling[string.sub(first[i], 2)] = true end
    end
    for i = 1, #first do
      local kind, name = string.sub(first[i], 1, 1), string.sub(first[i], 2)
      if kind == "h" then
        -- It is none of those that are counted.
        has_chores, seen = true, seen - 1
      elseif kind == "r" or kind == "s" then
        due[kind](name)
      else
        local id = string.sub(name, 1, 11)
        local record = call("HGET", jobs, id)
        -- It may be gone, by a timer before.
        if record then due[kind](id, record, read_header(record)) end
        if kind == "l" then expired = expired + 1 end
      end
    end
    first = seen < tonumber(limit) and call("ZRANGEBYSCORE", timers, "0", now, "LIMIT", "0", limit - seen) or {}
  end
  if has_chores then seen = seen + see_to_chores(limit - seen) end
  call("HSET", meta, "tick", queue.tick)
  return seen, expired
end
