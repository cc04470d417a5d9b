-- Remove dead letters for good.
-- @include lib.endings
-- @key meta         the queue's row
-- @key jobs         records by job id
-- @key timers       what is to be seen to, by its time
-- @key lane_prefix  of the keys of lanes' rows
-- @key dedup        by dedup_key the job that holds it
-- @key dead         dead letters by their time
-- @key letters      why they died
-- @key result_prefix  of the keys of what is kept of jobs that have ended
-- @arg now_ms       empty for the server's time
-- @arg own          empty
-- @rest first  job ids
-- @returns ok, how many there were

local forgotten = 0
for i = first, #ARGV do
  if forget(ARGV[i]) then forgotten = forgotten + 1 end
end
return { "ok", forgotten }
