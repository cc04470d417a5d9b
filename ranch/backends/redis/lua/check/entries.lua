-- Look at a page of what is kept beside jobs: each entry of a hash or an index belongs to a job.
-- @include lib.checking
-- @as lib.checking
-- @arg kind          dedup, dead or letters
-- @returns ok, cursor of the next page or 0, nothing, of each fault: kind, what it is about

local kinds = {
  dedup = { "HSCAN", dedup, "HDEL", "dedup key without a job" },
  dead = { "ZSCAN", dead, "ZREM", "letter without a dead job" },
  letters = { "HSCAN", letters, "HDEL", "letter without a dead job" },
}
local scan, index, drop, what = unpack(kinds[kind])
local found = call(scan, index, cursor, "COUNT", page)

local function has_job(name, value)
  if kind == "letters" then return call("ZSCORE", dead, name) end
  return call("HEXISTS", jobs, kind == "dedup" and string.sub(value, 1, 11) or name) == 1
end

for i = 1, #found[2], 2 do
  local name = found[2][i]
  -- One that was met twice may be gone.
  if not has_job(name, found[2][i + 1]) and (repair == "" or call(drop, index, name) == 1) then
    fault(what, name)
    if kind == "dead" and repair ~= "" then call("HDEL", letters, name) end
  end
end
return { "ok", found[1], seen, faults }
