-- Look at a page of the jobs: each is in one place.
-- @include lib.checking, lib.lanes, lib.gates, lib.arrivals, lib.records
-- @as lib.checking
-- @arg letter          what is said of a dead job that nothing is said of
-- @returns ok, cursor of the next page or 0, of those that are not ready: id, state, lane, header; of each fault: kind, id

local found = call("HSCAN", jobs, cursor, "COUNT", page)

local function wrong(kind, id, mend)
  fault(kind, id)
  if repair ~= "" then mend() end
end

for i = 1, #found[2], 2 do
  local id, record = found[2][i], call("HGET", jobs, found[2][i])
  local job = record and read_header(record)
  if job then
    local is_ready = call("ZSCORE", pending_prefix .. job.lane, id)
    local is_delayed, is_dead = call("ZSCORE", timers, "d" .. id), call("ZSCORE", dead, id)
    local state = is_ready and "ready" or is_delayed and "delayed" or is_dead and "dead" or "leased"
    if (is_ready and (is_delayed or is_dead)) or (is_delayed and is_dead) then
      wrong("job in two places", id, function()
        if is_ready then call("ZREM", timers, "d" .. id) end
        call("ZREM", timers, "x" .. id)
        call("ZREM", dead, id)
        call("HDEL", letters, id)
      end)
    end
    if state == "dead" and call("HEXISTS", letters, id) == 0 then
      wrong("dead job without a letter", id, function() call("HSET", letters, id, letter) end)
    end
    local row = lane_prefix .. job.lane
    if call("SISMEMBER", lanes, job.lane) == 0 or call("EXISTS", row) == 0 then
      wrong("job without its lane's row", id, function()
        know(job.lane)
        call("HINCRBY", row, "enqueued", 0)
      end)
    end
    -- Of a leased job that has expired it is gone, and the job ends when it would come back.
    local expires = job.expires_ms > 0 and state ~= "dead" and (state ~= "leased" or job.expires_ms > now_ms)
    if expires and not call("ZSCORE", timers, "e" .. id) then
      wrong("job without the timer of its expiry", id, function() call("ZADD", timers, job.expires_ms, "e" .. id) end)
    end
    if state ~= "ready" then
      note(id, state, job.lane, string.sub(record, 1, HEADER_SIZE))
    end
  end
end
return { "ok", found[1], seen, faults }
