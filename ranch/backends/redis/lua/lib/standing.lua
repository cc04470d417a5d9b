-- Lanes taken out of the index, to be served in their order and put back at the end.
-- @key ready        index of the lanes that wait
-- @constant SERVED  added to the tick of a lane's last service to make its order: lanes never served come first

-- Members and ranks by turns. No more lanes than jobs can be served: each service changes the place of its
-- own lane only.
local standing, at = {}, 1

local function insert(member, rank)
  local last = #standing
  while last > at do
    local other = tonumber(standing[last])
    if other < rank or (other == rank and standing[last - 1] < member) then break end
    standing[last + 2], standing[last + 1] = standing[last], standing[last - 1]
    last = last - 2
  end
  standing[last + 1], standing[last + 2] = member, rank
end
