"""Signals that end the demo, noticed where it can leave in good order."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupted(BaseException):
    """The user wants the demo to end. No error, so nothing that handles errors takes it for one."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


class Interrupts:
    """While entered, SIGINT, SIGTERM and SIGHUP are raised as `Interrupted` by `check`.

    Raised at a known place and once only, it cannot cut a process off between its start and the note that it has to be
    ended, nor the clearing up. A second signal is for the case that something hangs: if the first one was not noticed
    yet, it is raised on the spot.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._raised = False
        self._before: dict[int, Any] = {}

    def check(self) -> None:
        """Raise `Interrupted` if a signal has come, and was not raised before."""
        if self._number is not None and not self._raised:
            self._raised = True
            raise Interrupted(self._number)

    def __enter__(self) -> Interrupts:
        # Python handles signals in the main thread, elsewhere they are the caller's affair.
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                # What was ignored from the start stays so: nohup, or a job in a shell's background.
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Once a signal was raised the process is about to end, and another one could only spoil its exit code.
        if not self._raised:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._number is None:
            self._number = number
        elif not self._raised:
            self._raised = True
            raise Interrupted(number)
