"""How a job becomes the bytes of its record, and what Redis says becomes a job or a lane again.

A record is a header of fixed size, the lane's key, the content type and the body. Scripts read and write the header,
and read the lane; the rest is known here only. Little-endian, without padding:

=====  =====  ==================================================================================
bytes  type   what
=====  =====  ==================================================================================
0-5    int    enqueued at, in ms since the epoch, by the server's clock
6-11   int    due at, likewise
12-19  float  cost
20     int    priority, and 128 more if the job has a bid
21-22  int    attempts: claims that ended in a release or a reclaim, so a claim need not write
23-24  int    reclaims
25-26  int    length of the lane's key
27-           the lane's key in UTF-8
then   float  bid; nothing, if the job has none
then   int    content type: its number in `CONTENT_TYPES` in one byte, or 0, its length in two bytes, and the type
then          the body
=====  =====  ==================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

from ranch.model import Job, Lane, LaneStats, NewJob, Priority, QueueStats

#: Content types that take one byte, by their number. Append only.
CONTENT_TYPES: Final = (
    "",
    "application/json",
    "application/x-msgpack",
    "application/x-python-serialize",
    "application/x-yaml",
    "application/data",
)
_NUMBERS: Final = {content_type: number for number, content_type in enumerate(CONTENT_TYPES)}

# The two times are six bytes each, which struct has no letter for: four and two.
_HEADER: Final = Struct("<IHIHdBHHH")
_AFTER_TIMES: Final = Struct("<dBHHH")
_LENGTH: Final = Struct("<H")
_BID: Final = Struct("<d")
_HAS_BID: Final = 128


def pack(job: NewJob) -> bytes:
    """Return the record of a new job from its cost on. The times before it are the server's to add."""
    lane = job.lane.encode()
    if number := _NUMBERS.get(job.content_type):
        content_type = bytes((number,))
    else:
        spelled = job.content_type.encode()
        content_type = b"\0" + _LENGTH.pack(len(spelled)) + spelled
    priority, bid = int(job.priority), b""
    if job.bid is not None:
        priority, bid = priority | _HAS_BID, _BID.pack(job.bid)
    return _AFTER_TIMES.pack(job.cost, priority, 0, 0, len(lane)) + lane + bid + content_type + job.body


def unpack(job_id: str, record: bytes, *, this_claim: int = 0) -> Job:
    """Return the job of a record; with `this_claim` counted among its attempts."""
    low, high, due_low, due_high, cost, priority, attempts, reclaims, size = _HEADER.unpack_from(record)
    at = _HEADER.size + size
    lane, bid = record[_HEADER.size : at].decode(), None
    if priority & _HAS_BID:
        (bid,) = _BID.unpack_from(record, at)
        at += _BID.size
    number = record[at]
    at += 1
    content_type = CONTENT_TYPES[number]
    if not number:
        (size,) = _LENGTH.unpack_from(record, at)
        at += _LENGTH.size
        content_type = record[at : at + size].decode()
        at += size
    return Job(
        id=job_id,
        lane=lane,
        body=record[at:],
        content_type=content_type,
        priority=Priority(priority & ~_HAS_BID),
        cost=cost,
        enqueued_at=(high << 32 | low) / 1000,
        due_at=(due_high << 32 | due_low) / 1000,
        attempts=attempts + this_claim,
        reclaims=reclaims,
        bid=bid,
    )


def lane_stats(row: dict[str, bytes], pending: int) -> LaneStats:
    """Return a lane's numbers: those its row counts, and those that follow."""
    ended, leased = _ended(row)
    enqueued = int(row.get("enqueued", 0))
    delayed = enqueued - ended["acked"] - leased - pending
    return LaneStats(pending=pending, delayed=delayed, leased=leased, enqueued=enqueued, **ended)


def queue_stats(row: dict[str, bytes], waiting: int, lanes: int, backlogged: int) -> QueueStats:
    """Return a queue's numbers; `waiting` are its jobs that wait for a time, delayed and leased ones."""
    ended, leased = _ended(row)
    enqueued = int(row.get("last_id", 0))
    return QueueStats(
        pending=enqueued - ended["acked"] - waiting,
        delayed=waiting - leased,
        leased=leased,
        enqueued=enqueued,
        lanes=lanes,
        backlogged=backlogged,
        **ended,
    )


def _ended(row: dict[str, bytes]) -> tuple[dict[str, int], int]:
    """Return the counters of claims, and how many claims have not ended."""
    counters = {name: int(row.get(name, 0)) for name in ("claimed", "acked", "released", "reclaimed")}
    return counters, 2 * counters["claimed"] - sum(counters.values())


def read_fields(reply: Sequence[bytes]) -> dict[str, bytes]:
    """Return a hash that came as fields and values by turns."""
    return {field.decode(): value for field, value in zip(reply[::2], reply[1::2], strict=True)}


def read_lane(key: str, row: dict[str, bytes], pending: int) -> Lane:
    """Return a lane of its row; of an empty one, a lane never used."""
    tags: dict[str, str] = {}
    data: dict[str, Any] = {}
    for field, value in row.items():
        kind, _, name = field.partition(":")
        if kind == "tag" and name:
            tags[name] = value.decode()
        elif kind == "data":
            data[name] = json.loads(value)
    effective = float(row.get("weight", 1.0))
    weight = float(row.get("set_weight", effective))
    return Lane(
        key=key,
        weight=weight,
        effective_weight=effective,
        tags=tags,
        data=data,
        stats=lane_stats(row, pending),
        mean_time=float(row["mean_time"]) if "mean_time" in row else None,
    )
