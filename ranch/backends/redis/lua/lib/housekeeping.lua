-- What is done when a chore's time has come.
-- @include lib.arrivals, lib.endings, lib.chores
-- @key timers       what is to be seen to, by its time
-- @key lanes        keys of the lanes there are
-- @key lane_prefix  of the keys of lanes' rows
-- @key times_prefix  of the keys of lanes' times

local chore = {}

-- A lane that may be idle.
function chore.i(key)
  local row = call("HGETALL", lane_prefix .. key)
  local fields, was_set = {}, false
  for i = 1, #row, 2 do
    fields[row[i]] = row[i + 1]
    was_set = was_set or string.find(row[i], "^tag:") or string.find(row[i], "^data:")
  end
  local numbers = setmetatable({}, { __index = function(_, name) return tonumber(fields[name]) or 0 end })
  local weight = tonumber(fields.set_weight or fields.weight or 1)
  local jobs_left = numbers.enqueued + numbers.revived - numbers.acked - numbers.died
    - numbers.expired - numbers.cancelled + numbers.dead
  if jobs_left > 0 or was_set or weight ~= 1 or fields.limits or fields.idle_order ~= fields.order then
    return look_whether_idle(key, fields.order)
  end
  call("DEL", lane_prefix .. key, times_prefix .. key)
  call("SREM", lanes, key)
  call("ZREM", timers, "r" .. key)
end

function chore.x(id) forget(id) end

-- See to the first `limit` chores whose time has come; return how many.
local function see_to_chores(limit)
  local first = {}
  if limit > 0 then
    first = call("ZRANGE", timers, "(0", string.format("%d", -now_ms), "BYSCORE", "REV", "LIMIT", "0", limit)
  end
  if #first > 0 then call("ZREM", timers, unpack(first)) end
  for _, timer in ipairs(first) do chore[string.sub(timer, 1, 1)](string.sub(timer, 2)) end
  local next = call("ZRANGE", timers, "(0", "-inf", "BYSCORE", "REV", "LIMIT", "0", "1", "WITHSCORES")[2]
  if next then call("ZADD", timers, "LT", -next, "h") end
  return #first
end
