-- Wake one who waits: whoever was woken could not claim.
-- @include lib.bell
-- @key bell  list of at most one token
-- @returns ok

ring()
return { "ok" }
