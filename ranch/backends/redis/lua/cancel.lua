-- Remove jobs that are ready or delayed.
-- @include lib.returns, lib.moves
-- @as lib.ranking
-- @arg how             cancelled, or dropped
-- @rest first  job ids
-- @returns ok, what was asked, what ended

move()
for i = first, #ARGV do
  local id = ARGV[i]
  local record = call("HGET", jobs, id)
  local job = record and read_header(record)
  if job and withdraw(id, job) then end_job(how, id, record, job) end
end
if #ended > 0 then call("HSET", meta, "tick", queue.tick) end
return { "ok", asked, ended }
