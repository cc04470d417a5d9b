-- Finding lanes of a selection that wait.
-- @include lib.selections, lib.names, lib.standing
-- @key ready       index of the lanes that wait
-- @constant FEW             so many lanes are looked at before names are looked up, more where that is likely to help
-- @constant LOOKS_PER_CALL  so many for patterns
-- @arg selections  as JSON, `of`: in their order, as lib.selections has them; `further`: as a claim has said it

local said = cjson.decode(selections)
local chosen, further = said.of, said.further or { 0 }
-- Whose lanes are served, and whether there may be more of them than were looked at; the lane looked at last. And how
-- many more may be looked at in this call.
local turn, unfinished, seen, looks = further[1], false, nil, LOOKS_PER_CALL

-- How many lanes come before one that another call has looked at last, and itself. It may be gone.
local function place_of(member, rank)
  local low, high = call("ZCOUNT", ready, "-inf", "(" .. rank), call("ZCOUNT", ready, "-inf", rank)
  -- Those of one rank stand in the order of their members.
  while low < high do
    local middle = math.floor((low + high) / 2)
    if call("ZRANGE", ready, middle, middle)[1] <= member then low = middle + 1 else high = middle end
  end
  return low
end

-- Those lanes of a page of the index that are selected.
local function pick(selection, page, found)
  local keys, named, has_patterns = {}, {}, selection[3]
  for i = 1, #page, 2 do keys[#keys + 1] = string.sub(page[i], 14) end
  if selection[2] > 0 then named = call("HMGET", names_of(selection), unpack(keys)) end
  for i = 1, #keys do
    if named[i] or has_patterns and fits_any(selection, keys[i]) then
      found[#found + 1], found[#found + 2] = page[2 * i - 1], page[2 * i]
    end
  end
end

-- The first lanes of a selection, out of the index: members and ranks by turns.
local function find(selection, wanted)
  local names_only, found, size = #selection == 2, {}, 16
  local left = looks
  if names_only then left = math.max(FEW, math.min(selection[2], 5 * call("ZCARD", ready) / selection[2])) end
  local from = further[2] and place_of(further[2], further[3]) or 0
  further = {}
  unfinished = left <= 0
  if unfinished or (names_only and selection[2] == 0) then return found end
  repeat
    size = math.min(size, math.ceil(left))
    local page = call("ZRANGE", ready, from, from + size - 1, "WITHSCORES")
    if #page == 0 then break end
    pick(selection, page, found)
    left = left - #page / 2
    if #page < 2 * size or #found >= 2 * wanted then break end
    seen, from, size = { page[#page - 1], page[#page] }, from + size, math.min(2 * size, 1000)
    if left <= 0 and names_only then found = look_for_all(selection) end
    unfinished = left <= 0 and not names_only
  until left <= 0
  if not names_only then looks = left end
  if #found >= 2 * wanted then seen = { found[2 * wanted - 1], found[2 * wanted] } end
  for i = #found, 2 * wanted + 1, -1 do found[i] = nil end
  for i = 1, #found, 2 do call("ZREM", ready, found[i]) end
  -- Not sooner: where memory is short, a script may add once it has removed.
  for name, order in pairs(moved) do call("HSET", names_of(selection), name, order) end
  moved = {}
  return found
end

-- Whether lanes that were not looked at may come before the one that stands first.
local function is_far()
  if not unfinished or not seen then return false end
  local rank, last = tonumber(standing[at + 1]), tonumber(seen[2])
  return rank > last or (rank == last and standing[at] > seen[1])
end
