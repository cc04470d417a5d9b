-- Changes of limits. Eight words by their places: "=" stays, "-" is lifted, else a new one.
-- @include lib.clock, lib.limits

-- The limits after a change, nil if there are none left.
local function merge(limits, changes)
  local before, after, i = {}, {}, 0
  for word in string.gmatch(limits or "", "%S+") do before[#before + 1] = word end
  for word in string.gmatch(changes, "%S+") do
    i = i + 1
    after[i] = word == "=" and (before[i] or "-") or word
  end
  local text = table.concat(after, " ")
  return string.find(text, "[^- ]") and text or nil
end

-- Set limits in a row. Under another rate as many tokens are missing as before, but no more than there can be.
local function set_limits(row, old_text, text)
  if text then call("HSET", row, "limits", text) else call("HDEL", row, "limits") end
  local old, new = old_text and read_limits(old_text) or {}, text and read_limits(text) or {}
  if not new.interval_ms then
    call("HDEL", row, "full_at")
  elseif old.interval_ms and (old.interval_ms ~= new.interval_ms or old.burst ~= new.burst) then
    local full_at = tonumber(call("HGET", row, "full_at") or 0)
    local missing = math.max(0, (full_at - now_ms) / old.interval_ms)
    full_at = now_ms + math.min(missing, new.burst) * new.interval_ms
    call("HSET", row, "full_at", string.format("%.17g", full_at))
  end
end
