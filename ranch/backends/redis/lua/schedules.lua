-- Read schedules.
-- @include lib.clock
-- @key schedules  by their names
-- @arg now_ms     empty for the server's time
-- @arg all        1 for all there are, or empty
-- @rest first     names
-- @returns ok, now_ms, texts

local texts = all ~= "" and call("HVALS", schedules) or {}
for i = first, #ARGV do
  texts[#texts + 1] = call("HGET", schedules, ARGV[i]) or nil
end
return { "ok", now_ms, texts }
