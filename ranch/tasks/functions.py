"""Functions by the paths under which they are imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

from ranch.exceptions import FunctionResolutionError, InvalidJob


def path_of(function: Callable[..., Any]) -> str:
    """Return where a function is, as ``pkg.module:name``; of a script, under the name that it is imported by."""
    try:
        module, name = function.__module__, function.__qualname__
    except AttributeError as exc:
        raise InvalidJob(f"a task is a function of a module, not {function!r}") from exc
    return f"{_main_name() if module in {'__main__', '__mp_main__'} else module}:{name}"


def imported(path: str) -> Any:
    """Return what is at a path.

    Raises:
        FunctionResolutionError: There is nothing, or its module cannot be imported.
    """
    module, _, name = path.partition(":")
    try:
        # The script that runs is there already; imported by its name it would run a second time.
        found = sys.modules["__main__"] if module == _main_name() else import_module(module)
        return reduce(getattr, name.split("."), found)
    except (Exception, SystemExit) as exc:
        # A module's own code may raise anything; a script that is none ends with SystemExit.
        raise FunctionResolutionError(path, f"cannot be imported: {exc!r}") from exc


def _main_name() -> str:
    main = sys.modules["__main__"]
    if spec := getattr(main, "__spec__", None):
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else "__main__"
