-- Keep dead letters that come from another store.
-- @include lib.arrivals
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key bell            list of at most one token
-- @key lanes           keys of the lanes there are
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @key dead            dead letters by their time
-- @key letters         why they died
-- @arg now_ms          empty for the server's time
-- @arg own             empty
-- @rest first  of each: lane, when it died in ms, why as the client reads it, whole record
-- @returns ok

local last_id = tonumber(stored[4]) or 0
for i = first, #ARGV, 4 do
  last_id = last_id + 1
  local lane, died_ms, id = ARGV[i], ARGV[i + 1], string.format("%011x", last_id)
  know(lane)
  call("HSET", jobs, id, ARGV[i + 3])
  call("ZADD", dead, died_ms, id)
  call("HSET", letters, id, ARGV[i + 2])
  if dead_ttl_ms then add_chore(died_ms + dead_ttl_ms, "x" .. id) end
  for _, name in ipairs({ "enqueued", "died", "dead" }) do call("HINCRBY", lane_prefix .. lane, name, 1) end
end
call("HINCRBY", meta, "died", (#ARGV - first + 1) / 4)
call("HSET", meta, "last_id", last_id, "layout", LAYOUT)
return { "ok" }
