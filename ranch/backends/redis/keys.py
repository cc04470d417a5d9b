"""The names of all keys, and nothing else builds any.

Every key of a queue bears the same hash tag, ``{<prefix><queue>}``, so that a cluster keeps a queue in one place and a
script may use all of it. The prefix is ``ranch:`` if none is given.

=========================  ======  =====================================================================================
key, after the hash tag    type    holds
=========================  ======  =====================================================================================
``:meta``                  HASH    the queue's row: ``layout`` of these keys, ``virtual`` time, ``tick``; ``last_id``,
                                   which is also how many jobs were enqueued; totals ``claimed acked released
                                   reclaimed failed retried died revived expired cancelled``; ``delayed``: how many jobs
                                   are; ``limits`` of the queue and ``full_at``, as a lane's; ``limited``: how many
                                   lanes have limits, ``blocked``: how many of them are held back by one;
                                   ``strategy_errors``: how often the strategy gave no usable rank;
                                   ``strategy``: its name and options as JSON, ``generation``: how often it was set, and
                                   while lanes wait under an earlier one, ``stale``: the first such generation
``:ready``                 ZSET    each lane that waits to be served once: score its rank, member its order in 13 hex
                                   digits and its key, so that equal ranks stand in the order of their lanes
``:stale:<generation>``    ZSET    what ``:ready`` was under an earlier strategy: lanes that wait to be ranked anew
``:jobs``                  HASH    every job until it ends, dead ones too: id in 11 hex digits to record (see `records`)
``:timers``                ZSET    what is to be seen to at a time: score that time in ms, member ``d<id>`` of a delayed
                                   job, ``l<id><token>`` of a leased one, ``e<id>`` of one that expires, ``r<lane>`` of
                                   a lane held back by a limit, to be looked at again, ``s<name>`` of a schedule.
                                   Chores, for which no job waits: score the negative of that time, ``x<id>`` of a dead
                                   letter that is removed then, ``i<lane>`` of a lane that may be idle; and for the
                                   first of them ``h``, at that time or before
``:lanes``                 SET     the keys of the lanes there are
``:bell``                  LIST    at most one token, for one who waits
``:lanes:<digest>``        HASH    the names of a selection of lanes, which claims know by its digest; with their orders
                                   as they were last seen, so that they are quick to look up
``:lanes:<digest>:virtual`` STRING  virtual time among lanes that are served together, the lanes of a selection, after
                                   the generation of the strategy it belongs to
``:bells``                 ZSET    selections whose lanes somebody waits for: score until when in ms, member as JSON its
                                   digest, how many names it has, and its patterns
``:bell:<digest>``         LIST    the bell of those who wait for them: at most one token
``:dedup``                 HASH    dedup_key to the id of the job that holds it, followed by the time in ms until which
                                   it does, if that may be before the job ends
``:dead``                  ZSET    dead letters: score their time of death in ms, member the job's id
``:schedules``             HASH    schedules by name, as JSON
``:letters``               HASH    why they died, by id, as JSON
``:result:<id>``           LIST    how a job has ended, in one item: until when that is kept, in ms in six bytes, then
                                   the word for it, a NUL, the content type, a NUL, and the result, or why it died. It
                                   expires then. A list, for that is what clients can wait for
``:lane:<lane>``           HASH    the lane's row: ``weight``, the one that counts, and ``set_weight``, the one that was
                                   set, if that is another; ``tag`` (its rank), ``order`` (13 hex digits); totals
                                   ``enqueued claimed acked released reclaimed failed retried died revived expired
                                   cancelled``; ``dead``: how many letters are kept; ``mean_time``; ``tag:<name>``;
                                   ``data:<name>`` as JSON; ``limits``, eight words (see ``lib/limits.lua``),
                                   ``full_at``: when its bucket of tokens is full, in ms, ``blocked``: which limit holds
                                   it back; ``idle_order``: its order when it was last looked at. Under a strategy
                                   without a twin ``asked``, the tick at which the client was last given it to ask, and
                                   ``step``, by how much its last answer to a service raised the rank. If the strategy
                                   was set, ``generation``: of the one that gave the rank. What has its default is not
                                   stored
``:pending:<lane>``        ZSET    the lane's ready jobs: score their place, which is when they fell due less their
                                   priority's head start, in ms; member the job's id
``:times:<lane>``          STRING  how long the lane's jobs have waited and run, as counts by their names, in JSON; of
                                   the queue as a whole, after the name of no lane
=========================  ======  =====================================================================================

Totals only grow, and what is now follows from them: leased are the jobs claimed less those acked, released, reclaimed
and failed; pending are those in ``:pending:<lane>``; delayed is the rest of those that came in and did not leave. In
the whole queue delayed are counted, and pending follow. So a claim counts one thing, not three.

What belongs to a selection of lanes expires an hour after its last use, and who listens, and the bells, after a minute;
it may be evicted at any time, and is made anew. No other key expires. A lane is forgotten, with its row and its times,
some time after its last job (see `Policy.lane_ttl`), unless it was given a weight, a tag, data or a limit. All others
go when they are empty; ``:meta`` stays, with what it counted, and the times of the queue.
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

DEFAULT_PREFIX: Final = "ranch:"


@frozen
class Keys:
    """The keys of one queue, by the names that scripts declare."""

    prefix: str
    queue: str
    meta: str = field(init=False)
    ready: str = field(init=False)
    jobs: str = field(init=False)
    timers: str = field(init=False)
    lanes: str = field(init=False)
    bell: str = field(init=False)
    dedup: str = field(init=False)
    dead: str = field(init=False)
    letters: str = field(init=False)
    schedules: str = field(init=False)
    #: Before a lane's key.
    lane_prefix: str = field(init=False)
    pending_prefix: str = field(init=False)
    #: Before a generation.
    stale_prefix: str = field(init=False)
    #: Before the id of a job.
    result_prefix: str = field(init=False)
    #: Before a lane's key.
    times_prefix: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        for name in ("meta", "ready", "jobs", "timers", "lanes", "bell", "dedup", "dead", "letters", "schedules"):
            object.__setattr__(self, name, f"{self.tag}:{name}")
        for name in ("lane", "pending", "stale", "result", "times"):
            object.__setattr__(self, f"{name}_prefix", f"{self.tag}:{name}:")

    @property
    def tag(self) -> str:
        """The hash tag. A brace in a queue's name would end it too soon, so that is written otherwise."""
        name = (self.prefix + self.queue).replace("%", "%25").replace("}", "%7D")
        return f"{{{name}}}"

    def bell_of(self, digest: str) -> str:
        """Return the bell of those who wait for the lanes of a selection."""
        return f"{self.bell}:{digest}"

    def named(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the keys of these names, in the same order."""
        return tuple([getattr(self, name) for name in names])
