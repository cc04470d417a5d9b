"""Dead letters: jobs given up on, kept with the reason."""

from __future__ import annotations

import traceback
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from ranch.model import Job

#: How much of an error and of its traceback is kept, in characters; the end of a traceback says most.
MAX_ERROR: Final = 1_000
MAX_TRACEBACK: Final = 10_000


def _start(text: str) -> str:
    return _storable(text[:MAX_ERROR])[:MAX_ERROR]


def _end(text: str) -> str:
    return _storable(text[-MAX_TRACEBACK:])[-MAX_TRACEBACK:]


def _storable(text: str) -> str:
    """Write out what some store cannot keep: bytes of a file's name that are no Unicode, and NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def told(error: BaseException) -> str:
    """Return an error as ``"ValueError: no such user"``, even one whose own text cannot be made."""
    try:
        text = str(error)
    except Exception as exc:  # noqa: BLE001 - it is the error's own code
        text = f"<no text: str() raised {type(exc).__qualname__}>"
    return _storable(f"{type(error).__qualname__}: {text}")


Kind: TypeAlias = Literal["failure", "system"]


@frozen(kw_only=True)
class Death:
    """Why a job was given up on."""

    #: ``"failure"``: the job's own code failed. ``"system"``: it could not be run to its end, or not at all.
    kind: Kind = "failure"
    #: In a few words, always the same for the same reason: ``"failed"``, ``"worker lost"``, ``"cannot decode"``.
    reason: str = "failed"
    #: The error, as ``"ValueError: no such user"``.
    error: str = field(default="", converter=_start)
    traceback: str = field(default="", converter=_end, repr=False)

    @classmethod
    def of(cls, error: BaseException | str, *, kind: Kind = "failure", reason: str = "failed") -> Death:
        """Describe an error, with its traceback if it has one."""
        if isinstance(error, str):
            return cls(kind=kind, reason=reason, error=error)
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        return cls(kind=kind, reason=reason, error=told(error), traceback="".join(lines))


#: Why a job was given up on whose payload no serializer here can read.
CANNOT_DECODE: Final = "cannot decode"

#: Of a job that was taken back from expired leases too often.
WORKER_LOST: Final = Death(
    kind="system", reason="worker lost", error="its lease expired more often than max_reclaims allows"
)

#: Of a job that is dead while nothing says why.
LOST: Final = Death(kind="system", reason="reason lost", error="found by a check of the store")


@frozen(kw_only=True)
class DeadLetter:
    """A job that was given up on."""

    job: Job
    death: Death
    #: Seconds since the epoch by the backend's clock.
    died_at: float
