from __future__ import annotations

import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
import redis

from ranch.testing.server import GivenServer, RedisServer, ServerFailed
from ranch.testing.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_both_addresses_lead_to_the_same_store(redis_url: str, redis_tcp_url: str) -> None:
    """What is written over the Unix socket is read over TCP."""
    with _client(redis_url) as over_socket, _client(redis_tcp_url) as over_tcp:
        over_socket.set("name", "ranch")

        assert over_tcp.get("name") == "ranch"


@pytest.mark.parametrize("run", ["first", "second"])
def test_each_test_finds_an_empty_store(redis_url: str, run: str) -> None:
    """Nothing of one test is there in the next."""
    with _client(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left by", run)


def test_a_killed_server_comes_back_at_its_addresses(own_redis: RedisServer) -> None:
    """A client that knew the server before the crash reaches it after the restart."""
    addresses = (own_redis.url, own_redis.tcp_url)

    own_redis.kill()
    with _client(addresses[1]) as client:
        with pytest.raises(redis.ConnectionError):
            client.ping()
        own_redis.start()

        assert client.ping()
    assert addresses == (own_redis.url, own_redis.tcp_url)


def test_a_stopped_server_leaves_nothing(redis_binary: Path) -> None:
    """After `stop` there is neither a process nor a file."""
    with RedisServer(redis_binary) as server:
        pid, folder = server.pid, server._folder
        assert folder
        assert folder.is_dir()

    assert not folder.exists()
    assert not _is_alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot tie one process to another")
def test_a_server_ends_with_the_process_that_started_it(redis_binary: Path) -> None:
    """Even tests that are killed leave no server running."""
    script = (
        "import sys, time; from pathlib import Path; from ranch.testing.server import RedisServer;"
        "print(RedisServer(Path(sys.argv[1])).start().pid, flush=True); time.sleep(60)"
    )
    # Nobody is left to remove the server's folder but this test. pytest's tmp_path is too long for
    # the path of a socket.
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-c", script, str(redis_binary)]
        env = {**os.environ, "TMPDIR": folder}
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
            assert process.stdout
            server_pid = int(process.stdout.readline())
            assert _is_alive(server_pid)

            process.kill()

        wait_until(lambda: not _is_alive(server_pid))


def test_a_server_that_cannot_start_says_why(redis_binary: Path) -> None:
    """A wrong option is an error with the server's own words."""
    server = RedisServer(redis_binary, ["--no-such-option", "1"])

    with pytest.raises(ServerFailed, match="no-such-option"):
        server.start()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost:6379", "redis://localhost:6379/3"),
        ("redis://localhost:6379/0", "redis://localhost:6379/3"),
        (
            "rediss://:secret@host/1?ssl_cert_reqs=none",
            "rediss://:secret@host/3?ssl_cert_reqs=none",
        ),
        ("unix:///run/redis.sock", "unix:///run/redis.sock?db=3"),
    ],
)
def test_a_given_server_is_used_in_one_database_only(url: str, expected: str) -> None:
    """Processes that run tests side by side on one server do not empty one another's store."""
    assert GivenServer(url, database=3).url == expected
