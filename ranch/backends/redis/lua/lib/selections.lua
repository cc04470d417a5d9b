-- Selections of lanes, each a table: its digest, how many names it has, then its patterns.
-- @key lanes  keys of the lanes there are; the names of selections lie beside them
-- @key bell   list of at most one token; the bells of those who wait for a selection lie beside it

-- Whether a key fits a pattern, in which * stands for anything.
local function fits(pattern, key)
  local at, star = 1, string.find(pattern, "*", 1, true)
  local first, rest = string.sub(pattern, 1, star - 1), string.sub(pattern, star + 1)
  if string.sub(key, 1, #first) ~= first then return false end
  at, star = #first + 1, string.find(rest, "*", 1, true)
  while star do
    local _, last = string.find(key, string.sub(rest, 1, star - 1), at, true)
    if not last then return false end
    at, rest = last + 1, string.sub(rest, star + 1)
    star = string.find(rest, "*", 1, true)
  end
  return #key - #rest + 1 >= at and (rest == "" or string.sub(key, -#rest) == rest)
end

local function fits_any(selection, key)
  for i = 3, #selection do
    if fits(selection[i], key) then return true end
  end
  return false
end

local function names_of(selection) return lanes .. ":" .. selection[1] end

-- Wake one who waits for lanes of a selection.
local function ring_for(selection)
  local one = bell .. ":" .. selection[1]
  if call("LLEN", one) > 0 then return end
  call("RPUSH", one, "1")
  call("PEXPIRE", one, "60000")
end
