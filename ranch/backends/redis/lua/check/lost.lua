-- Look again at jobs that seemed to be in no place; let them fall due at once.
-- @include lib.clock, lib.records
-- @key meta            the queue's row
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key dead            dead letters by their time
-- @arg now_ms          empty for the server's time
-- @arg repair          1, or empty
-- @rest first  of each job: id, header of its record as it was before all leases were read
-- @returns ok, of each fault: kind, id

local faults = {}
for i = first, #ARGV, 2 do
  local id, header = ARGV[i], ARGV[i + 1]
  local record = call("HGET", jobs, id)
  -- The end of a lease counts an attempt, so under the same header it was the same lease all the time, if any.
  if record and string.sub(record, 1, HEADER_SIZE) == header
    and not call("ZSCORE", pending_prefix .. read_header(record).lane, id)
    and not call("ZSCORE", timers, "d" .. id) and not call("ZSCORE", dead, id) then
    faults[#faults + 1] = "job in no place"
    faults[#faults + 1] = id
    if repair ~= "" then
      call("ZADD", timers, now_ms, "d" .. id)
      call("HINCRBY", meta, "delayed", 1)
    end
  end
end
return { "ok", faults }
