-- Add to how long jobs took.
-- @key lanes         keys of the lanes there are
-- @key times_prefix  of the keys of lanes' times
-- @rest first  of each lane: its key, empty for the queue, and counts by their names, as JSON
-- @returns ok

for i = first, #ARGV, 2 do
  local lane, key = ARGV[i], times_prefix .. ARGV[i]
  -- One that was forgotten meanwhile would leave its times for ever.
  if lane == "" or call("SISMEMBER", lanes, lane) == 1 then
    local text, kept = ARGV[i + 1], call("GET", key)
    if kept then
      local counts = cjson.decode(kept)
      for name, count in pairs(cjson.decode(text)) do
        counts[name] = (counts[name] or 0) + count
      end
      text = cjson.encode(counts)
    end
    call("SET", key, text)
  end
end
return { "ok" }
