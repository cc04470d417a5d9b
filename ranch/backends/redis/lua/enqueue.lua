-- Put each job into its lane, or let it wait for its time.
-- @include lib.intake
-- @as lib.ranking
-- @rest first  of each job: lane, priority, options as lib.admission reads them or empty, record after its times
-- @returns ok, what was asked, what ended, now_ms, number of the first job, expiries in ms if some have one, then of each duplicate: its place in the call from 0 on, id, record, 1 if it is leased

return reply
