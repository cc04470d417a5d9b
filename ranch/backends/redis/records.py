"""How a job becomes the bytes of its record, and what Redis says becomes a job or a lane again.

A record is a header of fixed size, the lane's key, the content type and the body. Scripts read and write the header,
and read the lane; the rest is known here only. Little-endian, without padding:

=====  =====  ==================================================================================
bytes  type   what
=====  =====  ==================================================================================
0-5    int    enqueued at, in ms since the epoch, by the server's clock
6-11   int    due at, likewise
12-17  int    expires at, likewise, or 0
18-25  float  cost
26     int    priority
27     int    flags: 1 if the job has a bid, 2 a lease time of its own, 4 a dedup_key, 8 a result_ttl
28-29  int    attempts: claims that have ended and brought it back, so a claim need not write
30-31  int    reclaims
32-33  int    failures
34-35  int    length of the lane's key
36-           the lane's key in UTF-8
then   float  bid, if the job has one
then   int    its lease time in ms, in six bytes, if it has one
then          the length of its dedup_key in two bytes, and the key, if it has one
then   int    its result_ttl in ms, in six bytes, if it has one
then   int    content type: its number in `CONTENT_TYPES` in one byte, or 0, its length in two bytes, and the type
then          the body
=====  =====  ==================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

from ranch.answers import Outcome
from ranch.backends.redis.limits import read_limits
from ranch.letters import Death
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
# A time further off than this, in ms, is as good as never: 4,000 years, and it fits a record.
_NEVER_MS: Final = 2**47

_NUMBERS: Final = {content_type: number for number, content_type in enumerate(CONTENT_TYPES)}

# The three times are six bytes each, which struct has no letter for: four and two.
_HEADER: Final = Struct("<IHIHIHdBBHHHH")
_TIME: Final = Struct("<IH")
_AFTER_TIMES: Final = Struct("<dBBHHHH")
_LENGTH: Final = Struct("<H")
_BID: Final = Struct("<d")
_HAS_BID, _HAS_LEASE, _HAS_DEDUP_KEY, _HAS_RESULT_TTL = 1, 2, 4, 8


def pack(job: NewJob | Job) -> bytes:
    """Return the record of a job from its cost on. The times before it are the server's to add to a new one's."""
    lane, flags, extras = job.lane.encode(), 0, b""
    if job.bid is not None:
        flags, extras = _HAS_BID, _BID.pack(job.bid)
    if job.lease is not None:
        lease_ms = to_ms(job.lease)
        flags, extras = flags | _HAS_LEASE, extras + _time(lease_ms)
    if job.dedup_key is not None:
        flags, extras = flags | _HAS_DEDUP_KEY, extras + _sized(job.dedup_key)
    if job.result_ttl is not None:
        flags, extras = flags | _HAS_RESULT_TTL, extras + _time(to_ms(job.result_ttl))
    number = _NUMBERS.get(job.content_type)
    content_type = bytes((number,)) if number else b"\0" + _sized(job.content_type)
    counts = (job.attempts, job.reclaims, job.failures) if isinstance(job, Job) else (0, 0, 0)
    header = _AFTER_TIMES.pack(job.cost, int(job.priority), flags, *(min(count, 0xFFFF) for count in counts), len(lane))
    return header + lane + extras + content_type + job.body


def pack_whole(job: Job) -> bytes:
    """Return the record of a job that was stored before, with its times."""
    return b"".join(_time(to_ms(at)) for at in (job.enqueued_at, job.due_at, job.expires_at or 0)) + pack(job)


def unpack(job_id: str, record: bytes, *, this_claim: int = 0, duplicate: bool = False) -> Job:
    """Return the job of a record; with `this_claim` counted among its attempts."""
    header = _HEADER.unpack_from(record)
    low, high, due_low, due_high, expires_low, expires_high, cost, priority, flags = header[:9]
    attempts, reclaims, failures, size = header[9:]
    at = _HEADER.size + size
    lane = record[_HEADER.size : at].decode()
    bid = lease = dedup_key = result_ttl = None
    if flags & _HAS_BID:
        (bid,) = _BID.unpack_from(record, at)
        at += _BID.size
    if flags & _HAS_LEASE:
        lease = _seconds(*_TIME.unpack_from(record, at))
        at += _TIME.size
    if flags & _HAS_DEDUP_KEY:
        dedup_key, at = _read_sized(record, at)
    if flags & _HAS_RESULT_TTL:
        result_ttl = _seconds(*_TIME.unpack_from(record, at))
        at += _TIME.size
    number = record[at]
    at += 1
    content_type = CONTENT_TYPES[number]
    if not number:
        content_type, at = _read_sized(record, at)
    return Job(
        id=job_id,
        lane=lane,
        body=record[at:],
        content_type=content_type,
        priority=Priority(priority),
        cost=cost,
        enqueued_at=_seconds(low, high),
        due_at=_seconds(due_low, due_high),
        attempts=attempts + this_claim,
        reclaims=reclaims,
        failures=failures,
        bid=bid,
        expires_at=_seconds(expires_low, expires_high) or None,
        lease=lease,
        dedup_key=dedup_key,
        result_ttl=result_ttl,
        duplicate=duplicate,
    )


def pack_result(job: Job, result: Outcome | None) -> bytes:
    """Return what is kept of a job that is done, after the time in ms for which it is; nothing if nothing is."""
    if result is None or job.result_ttl is None:
        return b""
    return _time(to_ms(job.result_ttl)) + b"\0".join((result.how.encode(), result.content_type.encode(), result.body))


def unpack_outcome(kept: bytes) -> Outcome:
    """Return what is kept of how a job has ended, after the time until which it is."""
    how, content_type, body = kept[_TIME.size :].split(b"\0", 2)
    if how == b"dead":
        return Outcome(how="dead", death=Death(**json.loads(body)))
    return Outcome(how=how.decode(), content_type=content_type.decode(), body=body)  # type: ignore[arg-type]  # as it was kept


def to_ms(seconds: float) -> int:
    """Return seconds as whole milliseconds."""
    return min(round(seconds * 1000), _NEVER_MS) if seconds < _NEVER_MS else _NEVER_MS


def _time(ms: int) -> bytes:
    return _TIME.pack(ms & 0xFFFFFFFF, ms >> 32)


def _seconds(low: int, high: int) -> float:
    return (high << 32 | low) / 1000


def _sized(text: str) -> bytes:
    spelled = text.encode()
    return _LENGTH.pack(len(spelled)) + spelled


def _read_sized(record: bytes, at: int) -> tuple[str, int]:
    (size,) = _LENGTH.unpack_from(record, at)
    at += _LENGTH.size
    return record[at : at + size].decode(), at + size


def lane_stats(row: dict[str, bytes], pending: int) -> LaneStats:
    """Return a lane's numbers: those its row counts, and those that follow."""
    counts, leased = _counts(row)
    enqueued, dead = int(row.get("enqueued", 0)), int(row.get("dead", 0))
    delayed = enqueued + _stayed(counts, leased) - pending
    return LaneStats(pending=pending, delayed=delayed, leased=leased, enqueued=enqueued, dead=dead, **counts)


def queue_stats(row: dict[str, bytes], lanes: int, backlogged: int, dead: int) -> QueueStats:
    """Return a queue's numbers."""
    counts, leased = _counts(row)
    enqueued, delayed = int(row.get("last_id", 0)), int(row.get("delayed", 0))
    return QueueStats(
        pending=enqueued + _stayed(counts, leased) - delayed,
        delayed=delayed,
        leased=leased,
        enqueued=enqueued,
        dead=dead,
        lanes=lanes,
        backlogged=backlogged,
        blocked=int(row.get("blocked", 0)),
        **counts,
    )


_COUNTS: Final = (
    *("claimed", "acked", "released", "reclaimed", "failed", "retried", "died", "revived", "expired", "cancelled"),
)


def _counts(row: dict[str, bytes]) -> tuple[dict[str, int], int]:
    """Return the totals, and how many claims have not ended."""
    counts = {name: int(row.get(name, 0)) for name in _COUNTS}
    ended = counts["acked"] + counts["released"] + counts["reclaimed"] + counts["failed"]
    return counts, counts["claimed"] - ended


def _stayed(counts: dict[str, int], leased: int) -> int:
    """Return how many more jobs wait than were enqueued: a negative number, of those that left."""
    left = counts["acked"] + counts["died"] + counts["expired"] + counts["cancelled"] + leased
    return counts["revived"] - left


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
        limits=read_limits(row.get("limits", b"").decode()),
        blocked=row.get("blocked", b"").decode(),
        mean_time=float(row["mean_time"]) if "mean_time" in row else None,
    )


def write_options(job: NewJob) -> str:
    """Return what the server has to know of a job beside its record: see ``lib/options.lua``."""
    is_plain = job.dedup_key is None and not (job.delay or job.expires or job.dedup_for)
    return "" if is_plain else write_times(job, job.delay)


def write_times(job: NewJob, delay: float) -> str:
    """Return the same, with another delay."""
    times = [to_ms(seconds) if seconds else "-" for seconds in (delay, job.expires, job.dedup_for)]
    return " ".join(map(str, (*times, job.dedup_key or "")))
