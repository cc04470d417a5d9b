-- Whether a schedule is as it was seen, and when its runs were due.
-- @include lib.queue
-- @key schedules  by their names
-- @arg name       of the schedule
-- @arg before     its text as it was seen, empty if there was none

if (call("HGET", schedules, name) or "") ~= before then return { "ok", false, "changed" } end

-- What follows takes delays.
for i = first + 2, #ARGV, 4 do
  ARGV[i] = string.gsub(ARGV[i], "^%d+", function(due_ms) return string.format("%d", due_ms - now_ms) end)
end
