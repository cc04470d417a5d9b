"""The hooks of the event family: called after something has happened."""

from __future__ import annotations

import pluggy

from ranch.hooks.details import (
    BackendDown,
    BackendUp,
    Cancelled,
    Claimed,
    Dead,
    Enqueued,
    Expired,
    Failed,
    Finished,
    LaneChanged,
    Ran,
    Released,
    Retried,
)

hookspec = pluggy.HookspecMarker("ranch")


@hookspec
def ranch_enqueued(details: Enqueued) -> None:
    """Jobs were put into lanes: in the producer, once they are in the backend.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_enqueued(details):
                for job in details.jobs:
                    print(f"{details.queue}: {job.id} waits in lane {job.lane}")
    """


@hookspec
def ranch_claimed(details: Claimed) -> None:
    """Jobs were claimed: in the worker, before it has seen them.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_claimed(details):
                for lease in details.leases:
                    print(f"{lease.job.id} is on its {lease.job.attempts}. attempt")
    """


@hookspec
def ranch_ran(details: Ran) -> None:
    """A job has run, well or badly: in a worker that knows for how long, such as Celery's, before it takes the next.

    A worker that acks jobs as they start settles them before; see `Claimed.timed`.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_ran(details):
                print(f"{details.lease.job.id} ran for {details.seconds:.3f} s")
    """


@hookspec
def ranch_finished(details: Finished) -> None:
    """Jobs were acked: in the worker, once they are out of the backend.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_finished(details):
                print(f"{details.queue}: {len(details.leases)} done")
    """


@hookspec
def ranch_released(details: Released) -> None:
    """Jobs were given back: in the worker, once others can claim them.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_released(details):
                print(f"{len(details.leases)} back in {details.delay} s")
    """


@hookspec
def ranch_failed(details: Failed) -> None:
    """Claims ended in a failure: in the worker, once that is in the backend.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_failed(details):
                for lease in details.leases:
                    print(f"{lease.job.id} failed for the {lease.job.failures + 1}. time: {details.error}")
    """


@hookspec
def ranch_retried(details: Retried) -> None:
    """Jobs that failed are to be tried again: in the worker, after `ranch_failed`.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_retried(details):
                for lease in details.leases:
                    print(f"{lease.job.id} again in {details.delay:.1f} s")
    """


@hookspec
def ranch_dead(details: Dead) -> None:
    """Jobs became dead letters: in the process that gave them up, or met them with a lease expired once too often.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_dead(details):
                for job in details.jobs:
                    print(f"{job.id} of lane {job.lane} is dead: {details.death.reason}")
    """


@hookspec
def ranch_expired(details: Expired) -> None:
    """Jobs expired before they ran: in the process that met them.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_expired(details):
                for job in details.jobs:
                    print(f"{job.id} of lane {job.lane} came too late")
    """


@hookspec
def ranch_cancelled(details: Cancelled) -> None:
    """Jobs were cancelled, purged, or dropped to make room: in the process that did it.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_cancelled(details):
                print(f"{len(details.jobs)} jobs {details.how}")
    """


@hookspec
def ranch_lane_changed(details: LaneChanged) -> None:
    """A lane was changed: where `QueueLane.update` was called, once it has taken effect.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_lane_changed(details):
                print(f"{details.change.key} weighs {details.change.weight}")
    """


@hookspec
def ranch_backend_down(details: BackendDown) -> None:
    """A backend does not answer any more: in each process that finds out, once.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_backend_down(details):
                print(f"{details.url} is away: {details.error}")
    """


@hookspec
def ranch_backend_up(details: BackendUp) -> None:
    """A backend answers again: in each process that was told that it did not.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_backend_up(details):
                print(f"{details.url} is back after {details.seconds:.0f} s")
    """
