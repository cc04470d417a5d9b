"""What a test does in a child of fork."""

from __future__ import annotations

import faulthandler
import os
import traceback
from collections.abc import Callable

from attrs import frozen


@frozen
class Child:
    """A child that does one thing and ends, without ending what it has of its parent: pytest, threads, at-exit work."""

    pid: int

    @classmethod
    def doing(cls, do: Callable[[], object], *, patience: float = 60.0) -> Child:
        """Fork, and call `do` in the child.

        Args:
            do: The child fails if it raises; the traceback is on its standard error.
            patience: After so many seconds the child says where it hangs, and fails.
        """
        pid = os.fork()
        if pid:
            return cls(pid)
        try:
            # By file descriptor: another thread may have held the lock of `sys.stderr` in the moment of the fork.
            faulthandler.dump_traceback_later(patience, exit=True, file=2)
            do()
        except BaseException:  # noqa: BLE001 - whatever it is, this must not go on as a second pytest
            os.write(2, traceback.format_exc().encode())
            os._exit(1)
        os._exit(0)

    def join(self) -> None:
        """Wait until it has ended.

        Raises:
            ChildProcessError: It has failed.
        """
        _, status = os.waitpid(self.pid, 0)
        if code := os.waitstatus_to_exitcode(status):
            raise ChildProcessError(f"child {self.pid} ended with exit code {code}: see its standard error")
