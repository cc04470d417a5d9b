-- Tell where a lane stands, and what keeps it.
-- @include lib.queue, lib.limits
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @arg now_ms          empty for the server's time
-- @arg own             empty
-- @arg key             of the lane
-- @returns ok, rank or empty, lanes ahead or -1, why it is held back, until when in ms or -1, the same two of the queue

local row = lane_prefix .. key
local values = call("HMGET", row, "order", "generation", "limits", "blocked", "claimed")
local reply = { "ok", "", -1, "", -1, "", -1 }
if values[4] and values[3] then
  local reason, at = forbids(load_limits(row, values[3]), tonumber(values[5]) or 0)
  reply[4], reply[5] = reason or "", at or -1
elseif values[1] and call("EXISTS", pending_prefix .. key) == 1 then
  local own_generation, member = tonumber(values[2]) or 0, values[1] .. key
  local index = own_generation == generation and ready or stale_prefix .. own_generation
  reply[2], reply[3] = call("ZSCORE", index, member) or "", call("ZRANK", index, member) or -1
  if index ~= ready then
    reply[3] = reply[3] + call("ZCARD", ready)
    for earlier = stale or own_generation, own_generation - 1 do
      reply[3] = reply[3] + call("ZCARD", stale_prefix .. earlier)
    end
  end
end
if queue.limits then
  local reason, at = forbids(load_limits(meta, queue.limits), tonumber(stored[3]) or 0)
  reply[6], reply[7] = reason or "", at or -1
end
return reply
