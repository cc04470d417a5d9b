-- Look at a page of what is kept beside jobs: each entry of a hash or an index belongs to a job.
-- @include lib.checking, lib.lanes, lib.gates, lib.records
-- @as lib.checking
-- @arg kind          dedup, dead, letters, or pending
-- @arg key           of the lane whose ready jobs are looked at, or empty
-- @returns ok, cursor of the next page or 0, nothing, of each fault: kind, what it is about

local kinds = {
  dedup = { "HSCAN", dedup, "HDEL", "dedup key without a job" },
  dead = { "ZSCAN", dead, "ZREM", "letter without a dead job" },
  letters = { "HSCAN", letters, "HDEL", "letter without a dead job" },
  pending = { "ZSCAN", pending_prefix .. key, "ZREM", "place without a job" },
}
local scan, index, drop, what = unpack(kinds[kind])
local found = call(scan, index, cursor, "COUNT", page)
local dropped = false

local function has_job(name, value)
  if kind == "dedup" then return call("HEXISTS", jobs, string.sub(value, 1, 11)) == 1 end
  if kind == "letters" then return call("ZSCORE", dead, name) end
  local record = call("HGET", jobs, name)
  return record and (kind == "dead" or read_header(record).lane == key)
end

for i = 1, #found[2], 2 do
  local name = found[2][i]
  -- One that was met twice may be gone.
  if not has_job(name, found[2][i + 1]) and (repair == "" or call(drop, index, name) == 1) then
    fault(what, name)
    if kind == "dead" and repair ~= "" then call("HDEL", letters, name) end
    dropped = repair ~= ""
  end
end
if kind == "pending" and dropped and call("EXISTS", index) == 0 then emptied(load_lane(key)) end
return { "ok", found[1], seen, faults }
