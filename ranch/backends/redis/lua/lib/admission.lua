-- Whether jobs may come in, and what holds for them, where there is more to it than their lane.
-- @include lib.returns, lib.options
-- @key meta            the queue's row
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key dedup           by dedup_key the job that holds it

local function admit()
  for i = first, #ARGV, 4 do
    local lane, option = ARGV[i], read_options(i)
    local limits, holder = limits_of(lane), twin(option.dedup_key)
    if holder then
      local n = #reply
      local record = call("HGET", jobs, holder)
      local waits = call("ZSCORE", pending_prefix .. read_header(record).lane, holder)
        or call("ZSCORE", timers, "d" .. holder)
      reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = (i - first) / 4, holder, record, waits and 0 or 1
    else
      local pending = pending_prefix .. lane
      if limits.drops and option.delay_ms <= 0 and call("ZCARD", pending) >= (limits.max_pending or 1 / 0) then
        local oldest = call("ZRANGE", pending, 0, 0)[1]
        local record = call("HGET", jobs, oldest)
        local job = read_header(record)
        withdraw(oldest, job)
        end_job("dropped", oldest, record, job)
      end
      local expires_ms = option.expires_ms or limits.expires_ms or (queue_limits and queue_limits.expires_ms)
      expires_ms = expires_ms and now_ms + expires_ms or 0
      reply[6][#reply[6] + 1] = expires_ms
      local id = store(lane, ARGV[i + 1], option.delay_ms, expires_ms, ARGV[i + 3])
      if expires_ms > 0 then call("ZADD", timers, expires_ms, "e" .. id) end
      if option.dedup_key then
        call("HSET", dedup, option.dedup_key, id .. (option.hold_ms and now_ms + option.hold_ms or ""))
      end
    end
  end
end
