-- Look at a page of the timers: each is about something that is there.
-- @include lib.checking, lib.lanes, lib.gates, lib.records
-- @as lib.checking
-- @key schedules       by their names
-- @returns ok, cursor of the next page or 0, ids of the jobs that are leased, of each fault: kind, what it is about

local found = call("ZSCAN", timers, cursor, "COUNT", page)

-- One that is leased is nowhere else.
local function look_at_lease(id, record)
  note(id)
  local key = read_header(record).lane
  local pending = pending_prefix .. key
  if not (call("ZSCORE", pending, id) or call("ZSCORE", timers, "d" .. id) or call("ZSCORE", dead, id)) then return end
  fault("job in two places", id)
  if repair == "" then return end
  call("ZREM", timers, "d" .. id, "x" .. id)
  call("ZREM", dead, id)
  call("HDEL", letters, id)
  if call("ZREM", pending, id) == 1 and call("EXISTS", pending) == 0 then emptied(load_lane(key)) end
end

for i = 1, #found[2], 2 do
  local timer = found[2][i]
  local kind, name = string.sub(timer, 1, 1), string.sub(timer, 2)
  local is_wanted
  if kind == "r" or kind == "i" then
    is_wanted = call("SISMEMBER", lanes, name) == 1
  elseif kind == "x" then
    is_wanted = call("ZSCORE", dead, name)
  elseif kind == "h" then
    is_wanted = true
  elseif kind == "s" then
    is_wanted = call("HGET", schedules, name)
  else
    local id = string.sub(name, 1, 11)
    local record = call("HGET", jobs, id)
    is_wanted = record and (kind ~= "e" or read_header(record).expires_ms > 0)
    if record and kind == "l" then look_at_lease(id, record) end
  end
  -- One that was met twice may be gone.
  if not is_wanted and (repair == "" or call("ZREM", timers, timer) == 1) then
    fault("timer without a reason", timer)
  end
end
return { "ok", found[1], seen, faults }
