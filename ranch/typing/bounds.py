"""How much one call of a backend does at most, so that none holds the store up."""

from __future__ import annotations

from typing import Final

#: Seconds. Nobody waits for a change longer without looking again: so much a wake-up costs that got lost in the store,
#: and so long it takes at most until one who waits in a thread can be stopped.
LONGEST_WAIT: Final = 2.0
#: How many jobs whose time has come a claim takes back into their lanes before it chooses. Bounded, so that a
#: million jobs falling due together do not stall the claims of everybody else.
TIMERS_PER_CALL: Final = 32
#: At how many waiting lanes a claim with patterns looks.
LOOKS_PER_CALL: Final = 10_000
#: How many leases one release takes. It ranks lanes, so it may be refused and done again: as a whole or not at all.
RELEASES_PER_CALL: Final = 100
#: How many lanes, ranked by an earlier strategy of the queue, each operation that ranks lanes ranks anew, in their old
#: order; a claim of more jobs as many as it is to take. Bounded, so that a queue of a million lanes goes on while its
#: strategy changes.
MOVES_PER_CALL: Final = 32
