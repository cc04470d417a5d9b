-- Lanes that wait with the rank of an earlier strategy, into the index.
-- @include lib.queue, lib.lanes, lib.ranks
-- @key meta          the queue's row
-- @key stale_prefix  of the indexes of earlier strategies
-- @arg moves_limit   how many lanes at most

-- Rank up to that many lanes anew, in their old order.
local function move()
  if not stale then return end
  -- @include lib.arrivals
  local left = tonumber(moves_limit)
  while left > 0 and stale < generation do
    local lanes_there = call("ZPOPMIN", stale_prefix .. stale, left)
    for i = 1, #lanes_there, 2 do
      place(load_lane(string.sub(lanes_there[i], 14)))
    end
    left = left - #lanes_there / 2
    -- Fewer than asked for: that one is empty.
    if left > 0 then stale = stale + 1 end
  end
  call("HSET", meta, "tick", queue.tick, "stale", stale)
  if stale == generation then
    stale = nil
    call("HDEL", meta, "stale")
  end
end
