-- Each job into its lane, or to wait for its time.
-- @include lib.queue, lib.arrivals, lib.moves, lib.delay, lib.bell
-- @key meta         the queue's row
-- @key jobs         records by job id
-- @key lane_prefix  of the keys of lanes' rows

local is_plain = not (queue.limits or queue.has_limited_lanes)
for i = first + 2, #ARGV, 4 do is_plain = is_plain and ARGV[i] == "" end
if not is_plain then
  -- @include lib.room
  local refusal = refuse()
  if refusal then return refusal end
end

move()
local last_id, enqueued, wake = tonumber(stored[4]) or 0, {}, false
local reply = { "ok", asked, ended, now_ms, last_id + 1, {} }

local function store(lane, priority, delay_ms, expires_ms, record)
  last_id = last_id + 1
  local id, due_ms = string.format("%011x", last_id), math.max(0, now_ms + delay_ms)
  call("HSET", jobs, id, struct.pack("<I6I6I6", now_ms, due_ms, expires_ms) .. record)
  enqueued[lane] = (enqueued[lane] or 0) + 1
  if delay_ms > 0 then
    know(lane)
    wake = delay(id, due_ms) or wake
  else
    arrive(lane, id, due_ms, tonumber(priority))
    wake = true
  end
  return id
end

if is_plain then
  for i = first, #ARGV, 4 do store(ARGV[i], ARGV[i + 1], 0, 0, ARGV[i + 3]) end
else
  -- @include lib.admission
  admit()
end
for lane, count in pairs(enqueued) do
  call("HINCRBY", lane_prefix .. lane, "enqueued", count)
end
call("HSET", meta, "last_id", last_id, "tick", queue.tick)
if not chosen then call("HSET", meta, "layout", LAYOUT, "strategy", own) end
if wake then ring() end
