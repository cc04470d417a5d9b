"""A backlog's file, checked to its end before anything of it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ranch.cli.backlog.lines import BadLine, End, Head, LaneLine, Line, read_line
from ranch.cli.backlog.recurring import ScheduleLine
from ranch.cli.backlog.stored import DeadLine, JobLine
from ranch.exceptions import ConfigError
from ranch.hooks.manager import default_plugins

_ORDER = ("queue", "lane", "schedule", "dead", "job", "end")


class Checked:
    """A whole file, which can be read from its beginning again.

    Raises:
        BadLine: A line cannot be, or the file is not whole.
    """

    head: Head

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        #: How many lines of each kind there are.
        self.counts = dict.fromkeys(_ORDER, 0)
        last: Line | None = None
        number, names = 0, set[str]()
        for number, line in self._lines():
            if last is None and not isinstance(line, Head):
                raise BadLine(f"line {number}: a file begins with the queue. Nothing was stored")
            if last is not None and (
                isinstance(last, End) or isinstance(line, Head) or _ORDER.index(line.kind) < _ORDER.index(last.kind)
            ):
                raise BadLine(f"line {number}: {line.kind!r} cannot follow on {last.kind!r}. Nothing was stored")
            if isinstance(line, Head):
                self._begin(line, number)
            elif isinstance(line, (JobLine, ScheduleLine)):
                name = f"{line.kind} {line.id if isinstance(line, JobLine) else line.name!r}"
                if name in names:
                    raise BadLine(f"line {number}: {name} is there twice. Nothing was stored")
                names.add(name)
            self.counts[line.kind] += 1
            last = line
        if not isinstance(last, End):
            raise BadLine(f"line {number + 1}: the end is missing, the file was cut off. Nothing was stored")
        said = {"lane": last.lane, "schedule": last.schedule, "dead": last.dead, "job": last.job}
        if wrong := [kind for kind, count in said.items() if self.counts[kind] != count]:
            kind = wrong[0]
            raise BadLine(
                f"line {number}: of {kind!r} there were {said[kind]} lines, and there are {self.counts[kind]}: "
                "some are missing. Nothing was stored"
            )

    def _begin(self, head: Head, number: int) -> None:
        try:
            default_plugins().strategy({**head.choice.options, "name": head.choice.name})
        except ConfigError as exc:
            raise BadLine(f"line {number}: {'; '.join(exc.problems)}. Nothing was stored") from exc
        self.head = head

    def lanes(self) -> Iterator[LaneLine]:
        """Read the lanes."""
        return self._of(LaneLine)

    def schedules(self) -> Iterator[ScheduleLine]:
        """Read the schedules."""
        return self._of(ScheduleLine)

    def dead(self) -> Iterator[DeadLine]:
        """Read the dead letters."""
        return self._of(DeadLine)

    def jobs(self) -> Iterator[JobLine]:
        """Read the jobs."""
        return self._of(JobLine)

    def _of(self, kind: type[Any]) -> Iterator[Any]:
        return (line for _, line in self._lines() if isinstance(line, kind))

    def _lines(self) -> Iterator[tuple[int, Line]]:
        self._file.seek(0)
        for number, raw in enumerate(self._file, start=1):
            try:
                text = raw.decode()
            except UnicodeDecodeError as exc:
                raise BadLine(f"line {number} is no UTF-8: {exc.reason}. Nothing was stored") from exc
            if text.strip():
                yield number, read_line(text, number)
