-- What every look at a page of the store is passed first, and how it tells what it finds.
-- @include lib.queue
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key bell            list of at most one token
-- @key lanes           keys of the lanes there are
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @key dedup           by dedup_key the job that holds it
-- @key dead            dead letters by their time
-- @key letters         why they died
-- @arg now_ms          empty for the server's time
-- @arg own             empty
-- @arg repair          1, or empty
-- @arg cursor          0 for the first page
-- @arg page            how many, about

local faults, seen = {}, {}

local function fault(kind, about)
  faults[#faults + 1] = kind
  faults[#faults + 1] = about
end

-- What a page holds is told in `seen`.
local function note(...)
  for i = 1, select("#", ...) do seen[#seen + 1] = select(i, ...) end
end
