-- The queue's numbers.
-- @key meta          the queue's row
-- @key ready         index of the lanes that wait
-- @key lanes         keys of the lanes there are
-- @key stale_prefix  of the indexes of earlier strategies
-- @key dead          dead letters by their time
-- @returns ok, fields and values of the queue's row, lanes, lanes that wait, dead letters

local backlogged, choice = call("ZCARD", ready), call("HMGET", meta, "stale", "generation")
for generation = tonumber(choice[1]) or 0, choice[1] and choice[2] - 1 or -1 do
  backlogged = backlogged + call("ZCARD", stale_prefix .. generation)
end
return { "ok", call("HGETALL", meta), call("SCARD", lanes), backlogged, call("ZCARD", dead) }
