-- The header of a job's record, its lane and its bid; what follows is the client's affair.

-- Enqueued at and due at in ms, cost, priority, attempts, reclaims, length of the lane's key.
local HEADER, HEADER_SIZE = "<I6I6dBHHH", 27
-- Added to the priority of a job that has a bid.
local HAS_BID = 128

local function read_header(record)
  local job, size = {}, 0
  job.enqueued_ms, job.due_ms, job.cost, job.priority, job.attempts, job.reclaims, size =
    struct.unpack(HEADER, record)
  job.lane = string.sub(record, HEADER_SIZE + 1, HEADER_SIZE + size)
  if job.priority >= HAS_BID then
    job.priority = job.priority - HAS_BID
    job.bid = struct.unpack("<d", record, HEADER_SIZE + size + 1)
  end
  return job
end

-- The record with its header written anew. Counts stop at what two bytes hold.
local function write_header(record, job)
  return struct.pack(
    HEADER, job.enqueued_ms, job.due_ms, job.cost, job.priority + (job.bid and HAS_BID or 0),
    math.min(job.attempts, 65535), math.min(job.reclaims, 65535), #job.lane
  ) .. string.sub(record, HEADER_SIZE + 1)
end
