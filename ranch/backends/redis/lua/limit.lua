-- Change the limits of the queue, or read them.
-- @include lib.queue, lib.bell, lib.bells, lib.merge
-- @key meta     the queue's row
-- @key bell     list of at most one token
-- @key lanes    keys of the lanes there are
-- @arg now_ms   empty for the server's time
-- @arg own      empty
-- @arg changes  eight words, as lib.merge reads them, or empty
-- @returns ok, text of the limits or empty

local limits = queue.limits
if changes ~= "" then
  limits = merge(limits, changes)
  set_limits(meta, queue.limits, limits)
  call("HSET", meta, "tick", queue.tick + 1, "layout", LAYOUT)
  ring()
  alert()
end
return { "ok", limits or "" }
