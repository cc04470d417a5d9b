-- Limits, as their text says them, and whether they forbid a claim now.
-- @include lib.clock

-- Eight words by their places, "-" for no limit: paused, max_in_flight; jobs, seconds and burst of the rate;
-- max_pending, overflow, expires in seconds.
local function read_limits(text)
  local words = {}
  for word in string.gmatch(text, "%S+") do words[#words + 1] = word end
  local limits = {
    paused = words[1] ~= "-",
    max_in_flight = tonumber(words[2]),
    max_pending = tonumber(words[6]),
    drops = words[7] ~= "-",
    expires_ms = words[8] ~= "-" and math.floor(words[8] * 1000 + 0.5) or nil,
  }
  if words[3] ~= "-" then
    limits.interval_ms, limits.burst = words[4] * 1000 / words[3], tonumber(words[5])
    limits.tolerance_ms = (limits.burst - 1) * limits.interval_ms
  end
  return limits
end

-- What is limited, with its numbers. `row` is the key of its hash.
local function load_limits(row, text)
  local counts = call("HMGET", row, "acked", "released", "reclaimed", "failed", "full_at")
  local limits = read_limits(text)
  limits.settled = 0
  for i = 1, 4 do limits.settled = limits.settled + (counts[i] or 0) end
  limits.full_at = tonumber(counts[5]) or 0
  return limits
end

-- Which limit forbids a claim now, and until when, if the time alone decides.
local function forbids(limits, claimed)
  if limits.paused then return "paused" end
  if limits.max_in_flight and claimed - limits.settled >= limits.max_in_flight then return "max_in_flight" end
  if limits.interval_ms then
    -- The generic cell rate algorithm, a token bucket in one number: the bucket is full at that time.
    local at = math.floor(limits.full_at - limits.tolerance_ms)
    if at > now_ms then return "rate", at end
  end
end

-- Account for a claim.
local function take_token(row, limits)
  if limits.interval_ms then
    limits.full_at = math.max(limits.full_at, now_ms) + limits.interval_ms
    call("HSET", row, "full_at", string.format("%.17g", limits.full_at))
  end
end
