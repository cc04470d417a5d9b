-- Tell how long jobs took.
-- @key lanes         keys of the lanes there are: with one key alone, a cluster's wrong node would run this
-- @key times_prefix  of the keys of lanes' times
-- @arg lane          empty for the queue
-- @returns ok, counts by their names, as JSON, if there are any

return { "ok", call("GET", times_prefix .. lane) or "{}" }
