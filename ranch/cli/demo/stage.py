"""Where the demo plays: a temporary folder, two runs, one picture; and nothing of it stays behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from uuid import uuid4

from ranch.cli.demo.app import Setup
from ranch.cli.demo.interrupt import Interrupts
from ranch.cli.demo.measure import Comparison
from ranch.cli.demo.run import Progress, Run, plan, run
from ranch.exceptions import ConfigError, RanchError
from ranch.queue import Queue


def play(*, backend: str | None, strategy: str, jobs: int, quiet: bool, picture: Path | None) -> Comparison:
    """Do the same jobs in plain Celery and through ranch, and draw the picture if all went well.

    However it ends, no process and no file of it stays, but the picture. In a store that the user named, the empty
    queue's counters stay.

    Raises:
        ConfigError: The strategy or the store cannot be used; nothing was started.
        BackendUnavailable: The store cannot be reached; nothing was started.
        WorkerFailed: The worker did not start, or ended early.
        Interrupted: A signal came.
    """
    with Interrupts() as interrupts, _folder() as folder, _plain_environment():
        url = backend or f"sqlite:///{folder / 'ranch.db'}"
        queue = f"ranch-demo-{uuid4().hex[:8]}"
        with _store(queue, url, strategy) as store:
            lanes = plan(jobs)
            runs: list[Run] = []
            for name, where in (("plain Celery", ""), ("ranch", url)):
                setup = Setup(folder=folder / name.split()[0], queue=queue, backend=where, strategy=strategy)
                setup.folder.mkdir()
                with _bars(name, lanes, quiet=quiet) as bars:
                    runs.append(run(setup, lanes, store, bars, interrupts))
            comparison = Comparison(runs[0], runs[1], strategy)
            if picture and not comparison.problems:
                from ranch.cli.demo.picture import draw

                draw(comparison, picture)
            interrupts.check()
            return comparison


class Silence:
    """Progress for nobody."""

    def sent(self, lane: str) -> None: ...

    def started(self, lane: str) -> None: ...


def _bars(name: str, lanes: Sequence[str], *, quiet: bool) -> AbstractContextManager[Progress]:
    if quiet:
        return nullcontext(Silence())
    from ranch.cli.demo.screen import Bars

    return Bars(name, lanes)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ranch-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _plain_environment() -> Iterator[None]:
    # Celery lets CELERY_BROKER_URL go before what an app sets: the demo would send its jobs to a real broker.
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CELERY_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _store(name: str, url: str, strategy: str) -> Iterator[Queue]:
    """Try the store before anything is started, and afterwards leave no job in it."""
    if url.startswith("memory://"):
        raise ConfigError("memory:// is one process's own, and the demo's worker is another process", where="backend")
    with Queue(name, backend=url, strategy=strategy) as queue:
        queue.stats()
        try:
            yield queue
        finally:
            # Of a store that is gone, what the demo raises says more than this would.
            with suppress(RanchError):
                while leases := queue.claim_many(100):
                    queue.ack(leases)
