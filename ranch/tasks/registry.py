"""The tasks of one queue."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from ranch.exceptions import ConfigError, FunctionResolutionError, InvalidJob
from ranch.operations import Operations
from ranch.tasks.call import StoredCallback
from ranch.tasks.functions import imported, path_of
from ranch.tasks.task import Callback, Task


class Registry:
    """The tasks of one queue by their names.

    Args:
        operations: Of the queue.
    """

    def __init__(self, operations: Operations) -> None:
        self.operations = operations
        self._tasks: dict[str, Task[Any, Any]] = {}

    def __iter__(self) -> Iterator[Task[Any, Any]]:
        return iter(list(self._tasks.values()))

    def add(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        on_success: Any = None,
        on_failure: Any = None,
        **options: Any,
    ) -> Task[Any, Any]:
        """Make a task of a function.

        Raises:
            ConfigError: Another function is a task of that name.
            InvalidJob: It is no function that a worker can run, or an option cannot be.
        """
        if _generates(function):
            raise InvalidJob(f"{_name_of(function)} {_GENERATES}")
        task = Task(
            function=function,
            name=name or _name_of(function),
            on_success=self.callback(on_success),
            on_failure=self.callback(on_failure),
            registry=self,
            **options,
        )
        other = self._tasks.setdefault(task.name, task)
        if path_of(other.function) != path_of(function):
            raise ConfigError(
                f"two functions are called {task.name!r}, {path_of(other.function)} and {path_of(function)}: "
                "give one of them another name",
                where=f"tasks of queue {self.operations.name!r}",
            )
        # The same place again: its module was loaded anew.
        self._tasks[task.name] = task
        return task

    def callback(self, given: Any) -> Callback | None:
        """Return a callback as it is kept: a plain function is made a task."""
        if given is None or isinstance(given, (str, Task)):
            return given
        if not inspect.isfunction(given):
            raise InvalidJob(f"a callback is a task, a function, or the name of one, not {given!r}")
        found = self._tasks.get(_name_of(given))
        return found if found and found.function is given else self.add(given)

    def stored(self, given: Any) -> StoredCallback | None:
        """Return what one call of a task of this queue keeps of a callback.

        Raises:
            InvalidJob: It is a task of another queue, on which the worker need not work.
        """
        callback = self.callback(given)
        if not isinstance(callback, Task):
            return callback
        queue = callback.queue_name
        if queue != self.operations.name:
            raise InvalidJob(
                f"{callback.name} is a task of queue {queue!r}, and a callback of one call runs in the queue of the "
                "call: name it where the task is made"
            )
        return callback.as_callback()

    def resolve(self, name: str, allow: Collection[str]) -> Task[Any, Any]:
        """Return the task of a name: what can be imported there, else what is registered here.

        Args:
            name: Of a task.
            allow: Modules and packages that may be imported for it, and whose functions may be called.

        Raises:
            FunctionResolutionError: There is none.
        """
        module, is_path, _ = name.partition(":")
        if not is_path or not _is_in(module, allow):
            if found := self._tasks.get(name):
                return found
            if not is_path:
                raise FunctionResolutionError(name, "is no task of the queue, and no path such as pkg.module:name")
            raise _refused(name, module, allow)
        try:
            return self._made(imported(name), name, allow)
        except FunctionResolutionError:
            if found := self._tasks.get(name):
                return found
            raise

    def _made(self, found: Any, name: str, allow: Collection[str]) -> Task[Any, Any]:
        if isinstance(found, Task):
            return found
        if not inspect.isfunction(found):
            raise FunctionResolutionError(name, f"is no function, but {found!r}")
        if not _is_in(found.__module__, allow):  # what a module has imported is not its own
            raise _refused(name, found.__module__, allow)
        if _generates(found):
            raise FunctionResolutionError(name, _GENERATES, reason="not runnable")
        return Task(function=found, name=name, registry=self)


_GENERATES: Final = "is a generator function, and calling it runs none of it: let it return what it yields, in a list"


def _generates(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _name_of(function: Callable[..., Any]) -> str:
    name = path_of(function)
    if name.endswith("<lambda>"):
        raise InvalidJob(f"{function!r} has no name by which a worker could find it: give it one, with def or name=…")
    return name


def _is_in(module: str, allow: Collection[str]) -> bool:
    return any(module == allowed or module.startswith(f"{allowed}.") for allowed in allow)


def _refused(name: str, module: str, allow: Collection[str]) -> FunctionResolutionError:
    allowed = ", ".join(sorted(allow)) or "none"
    why = (
        f"is no task of the queue, and functions of {module!r} may not be run, for the worker allows {allowed}: make "
        "it a task in a module that the worker imports, or let the worker allow its module"
    )
    return FunctionResolutionError(name, why, reason="not allowed")
