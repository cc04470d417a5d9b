"""Queues and tasks for workers under test; what they do is written into files of the folder that they are told."""

from __future__ import annotations

import asyncio
import functools
import os
import time
from pathlib import Path

from ranch import Queue, Retry, meter
from ranch.backends.redis import RedisBackend
from ranch.backends.sqlite import SQLiteBackend
from tests.worker.workers import SharedClock

FOLDER = Path(os.environ.get("RANCH_TEST_FOLDER", "."))
URL = os.environ.get("RANCH_TEST_URL", f"sqlite:///{FOLDER}/ranch.db")
LEASE = float(os.environ.get("RANCH_TEST_LEASE", "60"))

meter.EVERY = float(os.environ.get("RANCH_TEST_METRICS_EVERY", meter.EVERY))


def store():
    """Where jobs are: as users say it, or with the test's own time."""
    if "RANCH_TEST_CLOCK" not in os.environ:
        return URL
    clock = SharedClock(Path(os.environ["RANCH_TEST_CLOCK"]))
    return (SQLiteBackend if URL.startswith("sqlite") else RedisBackend)(URL, clock=clock)


queue = Queue("tasks", backend=store(), lease=LEASE)
other = Queue("others", backend=store(), lease=LEASE)
coroutines = Queue("coroutines", backend=store(), lease=LEASE)


def note(word):
    """Write a word down, in one write, so that lines of several processes do not mix."""
    with (FOLDER / "notes.txt").open("a") as notes:
        notes.write(f"{word}\n")


def notes():
    path = FOLDER / "notes.txt"
    return path.read_text().split() if path.exists() else []


def _hold(word):
    note(f"begin-{word}")
    while not (FOLDER / "go").exists():
        time.sleep(0.01)


@queue.task
def add(one, other):
    note(f"add-{one + other}")
    return one + other


@other.task
def elsewhere(word):
    note(f"elsewhere-{word}")


@queue.task
def hold(word):
    _hold(word)
    note(f"end-{word}")


@coroutines.task
async def ahold(word):
    note(f"begin-{word}")
    while not (FOLDER / "go").exists():  # noqa: ASYNC110 - another process makes the file
        await asyncio.sleep(0.01)
    note(f"end-{word}")


@queue.task(timeout=0.3, retry=Retry.never())
def spin():
    note("begin-spin")
    while True:
        pass


@queue.task(timeout=0.5, retry=Retry.never())
def sleep(seconds):
    note("begin-sleep")
    time.sleep(seconds)


@coroutines.task(timeout=0.3, retry=Retry.never())
async def asleep():
    note("begin-asleep")
    await asyncio.sleep(60)


@queue.task
def after(data):
    note(f"after-{data['lane']}-{data.get('result', data.get('error'))}".replace(" ", "_"))


@queue.task(retry=Retry.fixed(0.05, max_attempts=3), on_failure=after.options(lane="afterwards"))
def fail(word):
    note(f"fail-{word}")
    raise ValueError(word)


@queue.task(on_success=after)
def double(number):
    return 2 * number


@queue.task
def leave(code):
    note("leave")
    os._exit(code)


@queue.task(retry=Retry.never())
def exit_now():
    raise SystemExit(3)


@queue.task
def send_more(words):
    """A job of the same lane for the first word, which sends the next."""
    note(f"more-{words[0]}")
    if words[1:]:
        send_more.enqueue(None, words[1:])


def plain(word):
    """No task: it can be run by those who allow its module."""
    note(f"plain-{word}")


class Refused(Exception):
    """An exception that can be pickled, and not be unpickled."""

    def __init__(self, code, why):
        super().__init__(why)


@queue.task(retry=Retry.never())
def refuse():
    raise Refused(7, "no")


def undone(function):
    """A decorator that knows nothing of coroutine functions."""

    @functools.wraps(function)
    def called(*args):
        return function(*args)

    return called


@queue.task
@undone
async def wrapped(word):
    await asyncio.sleep(0)
    note(f"wrapped-{word}")
    return word


def each(words):
    yield from words


class Mute(Exception):
    """An exception whose text cannot be made."""

    def __str__(self):
        raise RuntimeError("no text")


class Aside(BaseException):
    """One that `except Exception` does not catch."""


ODD = {"mute": Mute(), "aside": Aside("b"), "bytes": OSError("no file \udcff")}


@queue.task(retry=Retry.never(), on_failure=after)
def odd(kind):
    raise ODD[kind]


@coroutines.task(retry=Retry.never())
async def aodd(kind):
    raise ODD[kind]


@queue.task(retry=Retry.custom(lambda failures: failures / 0))
def no_delay():
    raise ValueError("first")
