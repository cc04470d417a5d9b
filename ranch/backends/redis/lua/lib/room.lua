-- Whether there is room for new jobs.
-- @include lib.options
-- @key meta            the queue's row
-- @key pending_prefix  of the keys of lanes' ready jobs

-- What to answer if there is none.
local function refuse()
  local wanted, lanes_wanted, keys = {}, {}, {}
  for i = first, #ARGV, 4 do
    local lane, option = ARGV[i], read_options(i)
    local key = option.dedup_key
    if option.delay_ms <= 0 and not (key and (keys[key] or twin(key))) then
      if not wanted[lane] then lanes_wanted[#lanes_wanted + 1] = lane end
      wanted[lane] = (wanted[lane] or 0) + 1
    end
    if key then keys[key] = true end
  end
  local more = 0
  for _, lane in ipairs(lanes_wanted) do
    local limits, room = limits_of(lane), wanted[lane]
    if limits.max_pending then
      room = math.max(0, limits.max_pending - call("ZCARD", pending_prefix .. lane))
      if wanted[lane] > room and not limits.drops then return { "full", lane, limits.max_pending } end
    end
    -- For each one beyond it, one is dropped.
    more = more + math.min(wanted[lane], room)
  end
  if more > 0 and queue_limits and queue_limits.max_pending then
    -- @include lib.pending
    if count_pending() + more > queue_limits.max_pending then return { "full", "", queue_limits.max_pending } end
  end
end
