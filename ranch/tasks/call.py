"""The call of a task, as it is stored: the payload of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import asdict, field, fields, fields_dict, frozen

from ranch.checks import checked_key, checked_number
from ranch.exceptions import InvalidJob
from ranch.options import EnqueueOptions
from ranch.retry import Retry, checked_retry

if TYPE_CHECKING:
    from ranch.tasks.task import GivenCallback


#: What a call keeps of a callback: its name, or the arguments of `Queue.enqueue_call` for it, but for `args`.
StoredCallback: TypeAlias = "str | dict[str, Any]"


def _checked_task(value: object) -> str:
    return checked_key(value, "task")


def _checked_args(value: object) -> list[Any]:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return list(value)
    raise InvalidJob(f"args are a list, not {value!r}")


def _checked_kwargs(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return dict(value)
    raise InvalidJob(f"kwargs are a mapping of names, not {value!r}")


def _checked_timeout(value: object) -> float | None:
    return None if value is None else checked_number(value, "timeout", positive=True)


def _checked_callback(value: object) -> StoredCallback | None:
    if isinstance(value, Mapping):
        checked_key(value.get("task"), "callback")
        return dict(value)
    return None if value is None else checked_key(value, "callback")


def _checked_retry(value: object) -> Retry | None:
    return Retry.from_dict(value) if isinstance(value, Mapping) else checked_retry(value)


class CallOptions(EnqueueOptions, total=False):
    """The keyword arguments of `Queue.enqueue_call`, and of `Task.options` but for the first two."""

    #: For the function.
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    #: This and all that follow: in place of the task's own. Of a `Retry` the delays have to be no function.
    retry: Retry | None
    timeout: float | None
    on_success: GivenCallback
    on_failure: GivenCallback


@frozen(kw_only=True)
class TaskCall:
    """Which task to call, and with what.

    Raises:
        InvalidJob: A value cannot be.
    """

    task: str = field(converter=_checked_task)
    args: list[Any] = field(factory=list, converter=_checked_args)
    kwargs: dict[str, Any] = field(factory=dict, converter=_checked_kwargs)
    #: When it is tried again after a failure, in place of what the task says.
    retry: Retry | None = field(default=None, converter=_checked_retry)
    #: Seconds, in place of the task's own.
    timeout: float | None = field(default=None, converter=_checked_timeout)
    #: Tasks, in place of the task's own.
    on_success: StoredCallback | None = field(default=None, converter=_checked_callback)
    on_failure: StoredCallback | None = field(default=None, converter=_checked_callback)

    def payload(self) -> dict[str, Any]:
        """Return what is stored: a mapping without what says nothing."""
        said = {**asdict(self, recurse=False), "retry": self.retry and self.retry.to_dict()}
        return {name: value for name, value in said.items() if value not in (None, [], {})}

    @classmethod
    def names(cls) -> set[str]:
        """Name what may be said of a call beside its task."""
        return {*fields_dict(cls)} - {"task"}

    @classmethod
    def of(cls, payload: Any) -> TaskCall:
        """Read what was stored.

        Raises:
            InvalidJob: It is no call of a task.
        """
        known = {each.name for each in fields(cls)}
        if isinstance(payload, Mapping) and "task" in payload and known.issuperset(payload):
            return cls(**payload)
        raise InvalidJob(f"a worker runs tasks, and this payload is no call of one: {str(payload)[:200]}")
