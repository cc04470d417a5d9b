-- The time of the call: given by a test's clock, else the server's.
-- @arg now_ms  empty for the server's time

now_ms = tonumber(now_ms)
if not now_ms then
  local time = call("TIME")
  now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
end
