"""`ranch top`."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading

from ranch import Policy, Queue
from ranch.testing.waiting import wait_until


def test_lanes_that_wait_are_shown_by_their_backlog(queue, told, ranch) -> None:
    """With their share of what was claimed, and how many go before them."""
    queue.purge()
    queue.enqueue_many([("one", 1), ("many", 1), ("many", 2), ("many", 3), ("many", 4), ("held", 1), ("held", 2)])
    queue.lane("held").pause()
    queue.ack(queue.claim_many(2))

    many, held = told("top")

    assert (many["lane"], many["pending"], many["leased"], many["share"]) == ("many", 3, 0, 50)
    assert (many["ahead"], many["blocked"]) == (0, "")
    assert 0 <= many["wait"] < 120
    assert (held["lane"], held["pending"], held["share"], held["blocked"]) == ("held", 2, 0, "paused")
    assert [lane["lane"] for lane in told("top", "--limit", "1")] == ["many"]
    assert "many" in ranch("top", "--once").stdout


def test_a_share_is_of_all_claims(shared_url, told) -> None:
    """Those of lanes that are forgotten by now among them."""
    with Queue("mail", backend=shared_url, policy=Policy(lane_ttl=0.2)) as queue:
        queue.enqueue_many([("gone", 1), ("many", 1), ("many", 2)])
        queue.ack(queue.claim_many(2))
        wait_until(lambda: not queue.reclaim() and [lane.key for lane in queue.lanes()] == ["many"])

    (many,) = told("top")

    assert many["share"] == 50


def test_it_looks_again_until_it_is_stopped(queue, shared_url) -> None:
    """A lane that comes meanwhile is seen, and Ctrl-C ends it."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from ranch.cli import main; main()", "top", "--every", "0.1"]
    env = {**os.environ, "RANCH_BACKEND": shared_url, "RANCH_QUEUE": "mail", "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    seen = bytearray()
    reader = threading.Thread(target=_read, args=(ours, seen))
    reader.start()
    try:
        wait_until(lambda: b"globex" in seen)
        queue.enqueue("newcomer", 1)
        wait_until(lambda: b"newcomer" in seen)
        process.send_signal(signal.SIGINT)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        reader.join(60)
        os.close(ours)

    assert process.returncode == 1
    assert b"Aborted!" in seen
    assert b"Traceback" not in seen


def _read(terminal: int, seen: bytearray) -> None:
    try:
        while some := os.read(terminal, 4096):
            seen += some
    except OSError:  # as Linux says that nobody writes any more
        pass
