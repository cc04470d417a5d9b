"""The lines of a backlog's file: what each says, and reading it back with every value checked.

The first is the `Head`; then come the lanes, the schedules, the dead letters, the jobs in the order of their places,
and the `End`, without which a file is not whole. Times are seconds since the epoch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from attrs import asdict, field, frozen

from ranch.checks import checked_key
from ranch.choice import StrategyChoice
from ranch.cli.backlog.recurring import ScheduleLine
from ranch.cli.backlog.stored import DeadLine, JobLine, checked_time
from ranch.cli.values import read_json
from ranch.exceptions import ConfigError, InvalidJob, RanchError
from ranch.limits import Limits, Rate
from ranch.model import Lane, LaneUpdate
from ranch.structure import structure

#: Of what is written here.
VERSION: Final = 2


def _checked_export(value: object) -> str:
    return checked_key(value, "export")


@frozen(kw_only=True)
class Head:
    """Which queue it was, and what held for it."""

    kind: Literal["queue"] = "queue"
    version: int
    #: Unique to the export.
    export: str = field(converter=_checked_export)
    queue: str
    strategy: dict[str, Any]
    limits: dict[str, Any]

    def __attrs_post_init__(self) -> None:
        if self.version != VERSION:
            raise InvalidJob(f"the file is of version {self.version}, and version {VERSION} can be read")
        read_limits(self.limits)
        _ = self.choice

    @property
    def choice(self) -> StrategyChoice:
        """The queue's strategy."""
        given = {"name": "", "options": {}, "generation": 0, **self.strategy}
        if not isinstance(given["options"], dict) or not isinstance(given["generation"], int):
            raise InvalidJob(f"a strategy has a name, options and a generation, not {self.strategy!r}")
        return StrategyChoice(str(given["name"]), given["options"], given["generation"])


@frozen(kw_only=True)
class LaneLine:
    """A lane, with what was set."""

    kind: Literal["lane"] = "lane"
    key: str
    weight: float
    effective_weight: float
    tags: dict[str, str]
    data: dict[str, Any]
    limits: dict[str, Any]
    mean_time: float | None = field(default=None, converter=checked_time)

    def __attrs_post_init__(self) -> None:
        _ = self.update(read_limits(self.limits))

    @classmethod
    def of(cls, lane: Lane) -> LaneLine:
        """Describe a lane."""
        names = ("key", "weight", "effective_weight", "mean_time")
        kept = {name: getattr(lane, name) for name in names}
        return cls(**kept, tags=dict(lane.tags), data=dict(lane.data), limits=lane.limits.as_dict())

    def update(self, limits: Mapping[str, Any]) -> LaneUpdate:
        """Return what makes a lane like this, but for its limits, which are given."""
        return LaneUpdate(
            key=self.key,
            weight=self.weight,
            effective_weight=self.effective_weight,
            tags=self.tags,
            data=self.data,
            mean_time=self.mean_time,
            limits=limits,
        )


@frozen(kw_only=True)
class End:
    """How many lines of each kind there are before it."""

    kind: Literal["end"] = "end"
    lane: int
    schedule: int
    dead: int
    job: int


Line: TypeAlias = Head | LaneLine | ScheduleLine | DeadLine | JobLine | End
_KINDS: Final[dict[str, type[Line]]] = {
    "queue": Head, "lane": LaneLine, "schedule": ScheduleLine, "dead": DeadLine, "job": JobLine, "end": End
}  # fmt: skip


class BadLine(RanchError):
    """A line of the file cannot be read; nothing of the file was stored."""


def write_line(line: Line) -> str:
    """Return a line as it is written, without what is not set."""
    said = {"kind": line.kind, **asdict(line, recurse=False)}
    return json.dumps({name: value for name, value in said.items() if value is not None})


def read_line(text: str, number: int) -> Line:
    """Return what a line says.

    Raises:
        BadLine: It cannot be.
    """
    try:
        said = read_json(text)
        if "\\u" in text:
            json.dumps(said, ensure_ascii=False).encode()  # half a character is none
        kind = _KINDS.get(said["kind"]) if isinstance(said, dict) and isinstance(said.get("kind"), str) else None
        if kind is not None:
            return structure(said, kind, where=said["kind"])
    except ConfigError as exc:
        raise BadLine(f"line {number}: {'; '.join(exc.problems)}. Nothing was stored") from exc
    except (ValueError, RecursionError) as exc:
        raise BadLine(f"line {number} cannot be read: {exc}. Nothing was stored") from exc
    raise BadLine(f"line {number} is no object whose kind is one of {', '.join(_KINDS)}. Nothing was stored")


def read_limits(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return limits as they are set, all of them: None for those that there are not."""
    rate = said.get("rate")
    if isinstance(rate, dict):
        try:
            said = {**said, "rate": Rate(**rate)}
        except TypeError as exc:
            raise InvalidJob(f"a rate has jobs, per and burst, not {rate!r}") from exc
    limits = Limits().changed(said)
    return {**NO_LIMITS, **{name: getattr(limits, name) for name in limits.as_dict()}}


#: Lifts them all.
NO_LIMITS: Final = dict.fromkeys(asdict(Limits()))
