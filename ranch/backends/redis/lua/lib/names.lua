-- Looking up the lanes that a selection names.
-- @include lib.selections
-- @key ready           index of the lanes that wait
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs

-- Orders that are others than those written down, by name.
local moved = {}

-- Add those lanes of an even number of names and orders that wait.
local function look_up(said, there)
  local members, pending, gone = {}, {}, {}
  -- Without its order a name may be spelled as another lane's member; nothing is a member of no length.
  for i = 1, #said, 2 do members[#members + 1] = said[i + 1] ~= "" and said[i + 1] .. said[i] or "" end
  for i, rank in ipairs(call("ZMSCORE", ready, unpack(members))) do
    if rank then
      there[#there + 1] = { tonumber(rank), members[i], rank }
    else
      pending[#pending + 1], gone[#gone + 1] = pending_prefix .. said[2 * i - 1], said[2 * i - 1]
    end
  end
  if #gone == 0 or call("EXISTS", unpack(pending)) == 0 then return end
  for _, name in ipairs(gone) do
    local order = call("HGET", lane_prefix .. name, "order")
    local rank = order and call("ZSCORE", ready, order .. name)
    if rank then
      there[#there + 1] = { tonumber(rank), order .. name, rank }
      moved[name] = order
    end
  end
end

-- All lanes that a selection names and that wait, by their rank.
local function look_for_all(selection)
  local said, there, found = call("HGETALL", names_of(selection)), {}, {}
  for from = 1, #said, 200 do
    look_up({ unpack(said, from, math.min(from + 199, #said)) }, there)
  end
  table.sort(there, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
  for i, lane in ipairs(there) do found[2 * i - 1], found[2 * i] = lane[2], lane[3] end
  return found
end
