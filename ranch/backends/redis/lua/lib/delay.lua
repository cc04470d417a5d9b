-- Jobs that wait for their time.
-- @include lib.queue, lib.bells
-- @key meta    the queue's row
-- @key timers  what is to be seen to, by its time

-- Let a job wait; return whether it is the next of all.
local function delay(id, at_ms)
  local member = "d" .. id
  call("ZADD", timers, at_ms, member)
  call("HINCRBY", meta, "delayed", 1)
  queue.tick = queue.tick + 1
  local is_next = call("ZRANGEBYSCORE", timers, "0", "+inf", "LIMIT", "0", "1")[1] == member
  if is_next then alert() end
  return is_next
end
