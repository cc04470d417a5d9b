"""Which lane a message goes into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen
from celery import Celery
from celery.utils.imports import symbol_by_name

from ranch.celery.internals.app import known_task
from ranch.checks import checked_key
from ranch.context import Unnamed, current_lane
from ranch.exceptions import ConfigError, InvalidJob

#: The header that names a message's lane. Celery keeps it over a retry, as it does all headers it does not know.
LANE_HEADER: Final = "ranch-lane"

#: ``(name, args, kwargs, options)`` of a message that nothing else gave a lane; returns the lane, or None for none.
LaneRouter: TypeAlias = Callable[[str, Any, Any, Mapping[str, Any]], "str | None"]


@frozen
class Naming:
    """How messages of an app come by their lane: the first that says something counts.

    The message itself, by its option or its header; a block of `ranch.lane`; the lane of the job now running; the
    app's router; the task's own `lane`.
    """

    app: Celery
    inherit: bool
    router: LaneRouter | None

    def lane(
        self, name: str, message: Any, headers: Mapping[str, Any], options: Mapping[str, Any], given: Any
    ) -> str | None:
        """Return the lane of a message, None for none. No round trip.

        Args:
            name: The task's.
            message: As Celery has built it.
            headers: Those that were given beside it.
            options: Those that were given beside it.
            given: The option ``lane``. Celery drops options that are None, so None says nothing.

        Raises:
            InvalidJob: What was named cannot be a lane.
        """
        named = headers.get(LANE_HEADER) if given is None else given
        if named is not None:
            return checked_key(named)
        task, running = known_task(self.app, name), self.app.current_worker_task
        if running is not None and _is_retry(message, running.request):
            # It had no lane, or its header would name it.
            return None
        for lane in self._sources(name, task, running, message, options):
            if not isinstance(lane, Unnamed):
                return lane
        return None

    def _sources(
        self, name: str, task: Any, running: Any, message: Any, options: Mapping[str, Any]
    ) -> Iterator[str | Unnamed | None]:
        """Ask one after the other."""
        yield current_lane()
        inherited = None if running is None else running.request.get(LANE_HEADER)
        # What the task says goes before what the app says.
        if inherited and getattr(task, "inherit_lane", self.inherit):
            yield checked_key(inherited)
        if self.router and (routed := self._routed(self.router, name, message, options)) is not None:
            yield routed
        if (default := getattr(task, "lane", None)) is not None:
            yield checked_key(default)

    @staticmethod
    def _routed(router: LaneRouter, name: str, message: Any, options: Mapping[str, Any]) -> str | None:
        # The bodies of protocol 1, which cannot name a lane, are mappings.
        args, kwargs = message.body[:2] if message.headers else (message.body["args"], message.body["kwargs"])
        lane = router(name, args, kwargs, options)
        if lane is not None and not isinstance(lane, str):
            raise InvalidJob(f"lane_router {router!r} has to name a lane, or return None, for {name}, not {lane!r}")
        return None if lane is None else checked_key(lane)


def lane_router(spec: Any) -> LaneRouter | None:
    """Return the router of a setting: a function, or where one is, as ``pkg.module:name`` or ``pkg.module.name``.

    Raises:
        ConfigError: There is none.
    """
    if spec is None:
        return None
    try:
        router = symbol_by_name(spec) if isinstance(spec, str) else spec
    except (ImportError, AttributeError, ValueError) as exc:
        raise ConfigError(f"lane_router={spec!r} cannot be imported: {exc}", where="app.conf.ranch") from exc
    if not callable(router):
        raise ConfigError(
            f"lane_router={spec!r} is no function of (name, args, kwargs, options)", where="app.conf.ranch"
        )
    found: LaneRouter = router
    return found


def _is_retry(message: Any, request: Any) -> bool:
    headers = message.headers or {}
    return bool(headers.get("id") == request.id and headers.get("retries", 0) > (request.retries or 0))
