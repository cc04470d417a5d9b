-- Limits, as their text says them, and whether they forbid a claim now.
-- @include lib.clock

-- Eight words by their places, "-" for no limit: paused, max_in_flight; jobs, seconds and burst of the rate;
-- max_pending, overflow, expires in seconds.
local EIGHT_WORDS = "(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)"

local function read_limits(text)
  local paused, max_in_flight, jobs, seconds, burst, max_pending, overflow, expires = string.match(text, EIGHT_WORDS)
  local limits = {
    paused = paused ~= "-",
    max_in_flight = tonumber(max_in_flight),
    max_pending = tonumber(max_pending),
    drops = overflow ~= "-",
    expires_ms = expires ~= "-" and math.floor(expires * 1000 + 0.5) or nil,
  }
  if jobs ~= "-" then
    limits.interval_ms, limits.burst = seconds * 1000 / jobs, tonumber(burst)
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
