-- Changes of limits. Eight words by their places: "=" stays, "-" is lifted, else a new one.

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

local function has_rate(limits)
  return limits and string.find(limits, "^%S+ %S+ %d")
end
