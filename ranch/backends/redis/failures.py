"""What redis-py and the server say went wrong, and which of ranch's errors it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    ClusterError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from ranch.exceptions import BackendError, BackendUnavailable

# A refusal begins with a code. Of what a script called, a server before Redis 7 says so behind words of its own.
_CODE: Final = re.compile(r"(?:Error running script .*?: -)?([A-Z]+) ", re.DOTALL)
# What a script may not call has no code.
_FORBIDDEN: Final = re.compile(r"ACL failure in script|The user executing the script can't")
# redis-py takes the code away where it has a class for it.
_CLASSES: Final[dict[type[ResponseError], str]] = {
    MasterDownError: "MASTERDOWN",
    ClusterDownError: "CLUSTERDOWN",
    MovedError: "MOVED",
    NoPermissionError: "NOPERM",
    OutOfMemoryError: "OOM",
    ReadOnlyError: "READONLY",
    TryAgainError: "TRYAGAIN",
}
# Codes of what passes: the server fails over, moves keys, cannot write to its disk, or is busy.
_PASSING: Final = {
    "BUSY": "is busy with a script",
    "CLUSTERDOWN": "is part of a cluster that is down",
    "MASTERDOWN": "is a replica that has lost its primary",
    "MISCONF": "cannot write to its disk, and takes no changes until it can",
    "NOREPLICAS": "has too few replicas to take changes",
    "READONLY": "is a replica, and takes no changes",
    "TRYAGAIN": "is moving the queue to another node",
    "UNBLOCKED": "has become a replica",
}
# Codes of what does not.
_LASTING: Final = {
    "MOVED": "is a node of a cluster, use redis+cluster://",
    "NOPERM": "does not let this user do what ranch needs",
    "OOM": "is out of memory, and nothing was stored. Let workers take jobs, or raise its maxmemory",
}


@contextmanager
def translated(other: Callable[[str], Exception]) -> Iterator[None]:
    """Raise what redis-py raises as ranch's errors; refusals that are not known here as `other` tells them.

    Raises:
        BackendUnavailable: It may pass: the same call may do later.
        BackendError: It will not pass by itself.
    """
    try:
        yield
    except (AuthenticationError, AuthorizationError) as exc:
        raise BackendError(f"Redis lets us not in: {exc}") from exc
    except ResponseError as exc:
        raise _refusal(exc, other) from exc
    except (RedisConnectionError, RedisTimeoutError, ClusterError, RedisClusterException) as exc:
        raise BackendUnavailable(f"Redis cannot be reached: {exc}") from exc
    except RedisError as exc:
        raise BackendError(f"Redis failed: {exc}") from exc


def is_replica(error: BaseException) -> bool:
    """Tell whether the server turned out to be a replica, so that the primary is somewhere else."""
    cause = error.__cause__
    return isinstance(cause, ResponseError) and _code(cause) in {"READONLY", "UNBLOCKED"}


def _refusal(exc: ResponseError, other: Callable[[str], Exception]) -> Exception:
    code = _code(exc)
    if code in _PASSING:
        return BackendUnavailable(f"Redis {_PASSING[code]}: {exc}")
    if code in _LASTING:
        return BackendError(f"Redis {_LASTING[code]}: {exc}")
    return other(str(exc))


def _code(exc: ResponseError) -> str:
    for kind, code in _CLASSES.items():
        if isinstance(exc, kind):
            return code
    if _FORBIDDEN.search(str(exc)):
        return "NOPERM"
    found = _CODE.match(str(exc))
    return found[1] if found else ""
