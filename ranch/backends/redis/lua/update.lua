-- Change lanes, creating those that are new.
-- @include lib.queue, lib.arrivals, lib.moves
-- @key meta            the queue's row
-- @key ready           index of the lanes with pending jobs
-- @key jobs            records by job id
-- @key lanes           keys of the lanes ever used
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
-- @rest first          of each change: lane, weight set or empty, one that counts or empty, n, n times field and value or empty
-- @returns ok, what was asked

move()
local i = first
while i <= #ARGV do
  local key, set, weight, fields = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  local row = lane_prefix .. key
  local before = reads_data and load_lane(key).data
  call("SADD", lanes, key)
  if weight ~= "" then
    -- What was set has a field of its own once the two differ.
    if set == weight then
      call("HDEL", row, "set_weight")
    elseif set ~= "" then
      call("HSET", row, "set_weight", set)
    else
      call("HSETNX", row, "set_weight", call("HGET", row, "weight") or "1.0")
    end
    call("HSET", row, "weight", weight)
  end
  i = i + 4
  for _ = 1, fields do
    local field, value = ARGV[i], ARGV[i + 1]
    if value == "" then call("HDEL", row, field) else call("HSET", row, field, value) end
    i = i + 2
  end
  if before and call("EXISTS", pending_prefix .. key) == 1 then
    local after = load_lane(key).data
    for _, name in ipairs(reads_data) do
      if after[name] ~= before[name] then
        enter(key)
        break
      end
    end
  end
end
call("HSET", meta, "tick", queue.tick, "layout", LAYOUT, "strategy", own)
return { "ok", asked }
