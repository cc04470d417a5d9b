-- Wake one who waits: whoever was woken could not claim.
-- @include lib.bell
-- @key bell  list of at most one token
-- @returns ok

-- Taken out first: where memory is short, a script may add once it has removed.
call("DEL", bell)
ring()
return { "ok" }
