-- Look at a page of the ready jobs of each of some lanes: each is a job of its lane.
-- @include lib.checking, lib.lanes, lib.gates, lib.records
-- @as lib.checking
-- @rest first          of each lane: key, cursor of its page
-- @returns ok, 0, of each lane the cursor of its next page or 0, of each fault: kind, id

for i = first, #ARGV, 2 do
  local key, dropped = ARGV[i], false
  local index = pending_prefix .. key
  local found = call("ZSCAN", index, ARGV[i + 1], "COUNT", page)
  for j = 1, #found[2], 2 do
    local id = found[2][j]
    local record = call("HGET", jobs, id)
    -- One that was met twice may be gone.
    if not (record and read_header(record).lane == key) and (repair == "" or call("ZREM", index, id) == 1) then
      fault("place without a job", id)
      dropped = repair ~= ""
    end
  end
  if dropped and call("EXISTS", index) == 0 then emptied(load_lane(key)) end
  note(found[1])
end
return { "ok", "0", seen, faults }
