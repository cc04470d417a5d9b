"""A fleet that is written down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from click.testing import CliRunner

from ranch import ConfigError
from ranch.backends.redis import RedisBackend
from ranch.backends.sqlite import SQLiteBackend
from ranch.cli import main
from ranch.fleet import Fleet, FleetQueue, FleetWorker, Identity, read_fleet
from ranch.fleet.identity import IdentityTaken
from ranch.testing.waiting import wait_until

EXAMPLE = Path(__file__).parents[2] / "examples" / "fleet"
PLAIN = {
    "store": "memory://",
    "queues": {"reports": {"strategy": "round-robin", "lease": 5, "limits": {"rate": "5/s"}}, "mail": {}},
    "workers": [
        {"id": "one", "assigned": ["a", "eu-*"], "steal": ["b"], "concurrency": 3, "timeout": 9},
        {"id": "two", "assigned": ["b"], "queues": ["mail"], "pool": "process", "drain_timeout": 0},
    ],
}


def faults(settings):
    """Return all that is wrong."""
    with pytest.raises(ConfigError) as caught:
        Fleet.from_dict(settings)
    return caught.value.problems


def fleet(*workers, **queues):
    """Return a mapping with these workers."""
    return {"queues": queues or {"q": {}}, "workers": list(workers)}


def test_it_is_made_of_a_mapping_and_gives_one_back():
    """Which says the same, without what has its default."""
    made = Fleet.from_dict(PLAIN)

    assert made.queues["reports"] == FleetQueue(strategy="round-robin", lease=5.0, limits={"rate": "5/s"})
    assert made.get_worker("two") == FleetWorker(
        id="two", assigned=["b"], queues=["mail"], pool="process", drain_timeout=0.0
    )
    assert made.to_dict() == PLAIN
    assert Fleet.from_dict(made.to_dict()) == made
    made.validate()


@pytest.mark.parametrize("suffix", ["toml", "yaml", "yml"])
def test_it_is_read_from_a_file(tmp_path, suffix):
    """In TOML or YAML, to the same end."""
    path = tmp_path / f"fleet.{suffix}"
    texts = {
        "toml": """
            store = "memory://"
            [queues.q]
            strategy = {name = "bid", ageing = 0.5}
            [[workers]]
            id = "w"
            assigned = ["ü"]
            """,
        "yaml": """
            store: memory://
            queues:
              q: {strategy: {name: bid, ageing: 0.5}}
            workers:
              - id: w
                assigned: [ü]
            """,
    }
    path.write_text(textwrap.dedent(texts["toml" if suffix == "toml" else "yaml"]), encoding="utf-8")

    assert read_fleet(path) == Fleet(
        store="memory://",
        queues={"q": FleetQueue(strategy={"name": "bid", "ageing": 0.5})},
        workers=[FleetWorker(id="w", assigned=["ü"])],
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.toml", None, "none.toml: cannot be read: No such file"),
        ("fleet.ini", b"", "a fleet is in a file of .toml, .yaml, .yml, not '.ini'"),
        ("fleet.toml", b"a =", "is no TOML: "),
        ("fleet.toml", b"\xff", "is no TOML: "),
        ("fleet.yaml", b"a: [", "is no YAML: "),
        ("fleet.yaml", b"!!python/object/apply:os.getcwd []", "is no YAML: "),
        ("fleet.yaml", b"- a", "expected a mapping of settings"),
    ],
    ids=["none", "suffix", "toml", "bytes", "yaml", "code", "list"],
)
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, name, content, message):
    """Which names the file and says why; no code in it is run."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_fleet(tmp_path / name)
    assert message in str(caught.value)


def test_all_faults_are_told_at_once():
    """Of keys, types, values, and of what does not go together."""
    found = faults(
        {
            "stor": "x",
            "store": "redsi://localhost",
            "redis": {"ssl": True},
            "queues": {"a": {"strategy": "wieghted-lru", "lease": 0, "timeout": 60}, "": {}, "b": {"laese": 1}},
            "workers": [
                {"id": "w", "assigned": ["x"], "timeout": 5, "concurrency": "many", "allow": "jobs"},
                {"id": "v", "assigned": ["x", "y*"], "steal": ["x"], "queues": ["c"], "pool": "threads"},
                {"id": "v", "assigned": [], "queues": [], "concurrency": 0, "timeout": -1, "drain_timeout": -1},
                {"assigned": "x"},
                "z",
                {"id": "u", "timeout": 30, "steal": ["x"]},
            ],
        }
    )
    expected = [
        "unknown key 'stor', did you mean 'store'? @ fleet",
        "unknown key 'laese', did you mean 'lease'? @ fleet.queues['b']",
        "expected int, got str 'many' @ fleet.workers[0].concurrency",
        "expected a list, got str 'jobs' @ fleet.workers[0].allow",
        "required field missing @ fleet.workers[3].id",
        "expected a list, got str 'x' @ fleet.workers[3].assigned",
        "expected a mapping of settings, not 'z' @ fleet.workers[4]",
        "unknown key 'redis': say where it is by a URL, store = 'redis://localhost:6379/0' @ fleet",
        "store: unknown backend 'redsi', did you mean 'redis'?",
        "worker 'w': its timeout 5 is shorter than the 60 seconds",
        "queue 'a': unknown strategy 'wieghted-lru', did you mean 'weighted-lru'?",
        "queue 'a': lease must be a finite number > 0",
        "queue '': a queue needs a name",
        "worker 'v': there is no pool 'threads', did you mean 'thread'?",
        "worker 'v': lane 'x' is assigned to it, so it cannot steal from it",
        "worker 'v': there is no queue 'c'",
        "worker 'v': it works on no queue",
        "worker 'v': concurrency is a whole number",
        "worker 'v': timeout must be a finite number > 0",
        "worker 'v': drain_timeout must be a finite number >= 0",
        "worker 'v': assigned names no lane",
        "worker 'u': steal says what is served after the assigned",
        "worker 'u': its timeout 30 is shorter than the 60 seconds that jobs of queue 'a' may run",
        "2 workers have the id 'v'",
    ]
    assert [start for start in expected if not any(fault.startswith(start) for fault in found)] == []
    assert faults({"queues": [], "workers": {}, "store": 5})[:2] == [
        "queues are a mapping of names to settings, not [] @ fleet.queues",
        "workers are a list, each a mapping of settings, not {} @ fleet.workers",
    ]
    assert faults({**fleet({}), "store": 5}) == [
        "required field missing @ fleet.workers[0].id",
        "store: it is a URL, not 5",
    ]
    assert faults({}) == ["there is no queue to work on", "there is no worker"]


def test_a_lane_is_assigned_once():
    """By its name, by a pattern, or by the same pattern; where two workers have a queue in common."""
    one, two = (
        {"id": "one", "assigned": ["x", "eu-1", "a*", "us-1-*"]},
        {"id": "two", "assigned": ["x", "eu-*", "a*", "us-*"]},
    )
    assert faults(fleet(one, two)) == [
        "lane 'x' is assigned twice, to 'one' and 'two': let one of them steal it",
        "lane 'a*' is assigned twice, to 'one' and 'two': let one of them steal it",
        "lane 'eu-1' is assigned twice, to 'one' and, by 'eu-*', to 'two': let one of them steal it",
        "lane 'us-1-*' is assigned twice, to 'one' and, by 'us-*', to 'two': let one of them steal it",
    ]
    apart = fleet({**one, "queues": ["q"]}, {**two, "queues": ["r"]}, q={}, r={})
    assert len(Fleet.from_dict(apart).workers) == 2


def test_coverage_tells_who_serves_whom():
    """Of what is named, and of lanes that are asked about; a lane that is only stolen from is assigned to nobody."""
    made = Fleet.from_dict(PLAIN)

    found = made.coverage(["eu-7", "b", "c", "a"])
    assert found.assigned == {"a": ["one"], "b": ["two"], "eu-*": ["one"], "eu-7": ["one"]}
    assert (found.steal, found.unassigned, found.everywhere) == ({"b": ["one"]}, ["c"], [])
    assert made.coverage(["b"], queue="reports").unassigned == ["b"]
    everywhere = Fleet.from_dict(fleet({"id": "w"})).coverage(["x"])
    assert (everywhere.unassigned, everywhere.everywhere) == ([], ["w"])


def test_a_worker_that_is_not_there_is_an_error():
    """Which names those that are."""
    with pytest.raises(ConfigError, match=r"there is no worker 'on', did you mean 'one'.*'one', 'two'"):
        Fleet.from_dict(PLAIN).get_worker("on")


def test_a_worker_is_made_as_it_is_written_down(tmp_path):
    """With its lanes and limits, on the fleet's store; and some settings in their place."""
    made = Fleet.from_dict(
        {
            "store": f"sqlite:///{tmp_path}/ranch.db",
            "queues": {"q": {"limits": {"max_in_flight": 3}, "strategy": "round-robin", "metrics_enabled": False}},
            "workers": [{"id": "w", "assigned": ["a"], "steal": ["b"], "allow": ["tests.fleet.work"]}],
        }
    )
    (queue,) = made.open()
    for lane in "cba":
        queue.enqueue_call("tests.fleet.work:note", lane=lane, args=[str(tmp_path / "notes"), lane])

    made.worker("w", burst=True, concurrency=1).run()

    assert (tmp_path / "notes").read_text() == "ab"
    assert queue.limits().max_in_flight == 3
    assert queue.lane("c").stats.pending == 1
    assert (queue.metrics().processed, queue.metrics().process_time.count) == (2, 0)
    queue.close()


@pytest.fixture(params=["sqlite", "redis"])
def store(request, tmp_path):
    """The URL of an empty store that processes share."""
    return request.getfixturevalue("redis_url") if request.param == "redis" else f"sqlite:///{tmp_path}/ranch.db"


def test_an_id_is_used_once_at_a_time(store):
    """By one that is alive; when it ends, the next has it at once, however often."""

    def identity(worker_id):
        # Renewed often, and of a store whose time is so slow that no machine is too busy for the lease.
        kind = SQLiteBackend if store.startswith("sqlite") else RedisBackend
        return Identity(worker_id, kind(store, clock=lambda: time.time() / 100), lease=0.6)

    for _ in range(6):
        with identity("w*"):
            with identity("other"):
                pass
            with pytest.raises(IdentityTaken, match=r"worker 'w\*' runs already, as .*:\d+, and is alive"):
                identity("w*").__enter__()


def test_the_id_of_a_worker_that_was_killed_is_free_again(store):
    """When its lease has expired, which the next one waits for; however often that happens."""
    code = (
        "import sys, time; from ranch.fleet import Identity\n"
        "with Identity('w', sys.argv[1], lease=0.6): print('in', flush=True); time.sleep(60)"
    )
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", code, store], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "in\n"
            process.kill()
    with Identity("w", store, lease=0.6):
        pass


def test_a_second_worker_is_told_when_the_first_has_renewed_its_id(store, caplog):
    """So it need not wait until the lease would have ended."""
    with Identity("w", store, lease=300) as first, ThreadPoolExecutor() as threads:
        second = threads.submit(Identity("w", store, lease=300).__enter__)
        wait_until(lambda: "waiting whether it is alive" in caplog.text)
        while not wait([second], timeout=0.2).done:  # it may not have looked at the lease yet
            first._queue.renew([first._lease])
        with pytest.raises(IdentityTaken, match="and is alive"):
            second.result()


def test_an_id_that_expired_is_kept_if_nobody_took_it(store):
    """As after a store was away: that ends no worker."""
    lost = []
    with Identity("w", store, lease=0.6, on_lost=lambda: lost.append(1)) as identity:
        before = identity._lease
        identity._queue.release([before])
        wait_until(lambda: identity._lease is not before)
    assert lost == []


def test_an_id_that_is_lost_is_told(store):
    """Whoever lost it to another one can stop, and is told at the end, if nothing else ended it."""
    lost = []
    first = Identity("w", store, lease=300, on_lost=lambda: lost.append(1)).__enter__()
    first._queue.release([first._lease])
    with Identity("w", store):
        first._heartbeat.add([first._lease], 0.1)  # sooner than by itself, which would have taken it again
        wait_until(lambda: lost)
        with pytest.raises(IdentityTaken, match="'w' has lost its id to another one"):
            first.__exit__(None, None, None)


def run(*arguments, folder=None):
    """Run the command line in a process."""
    code = "from ranch.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(EXAMPLE.parents[1])},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_example_runs(tmp_path):
    """As its page says it."""
    for file in EXAMPLE.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    assert run("config", "check", "fleet.toml", folder=tmp_path).stdout == (
        "fleet.toml has no faults: 2 queues, 2 workers\n"
    )
    made = Fleet(**{**vars_of(read_fleet(tmp_path / "fleet.toml")), "store": f"sqlite:///{tmp_path}/shop.db"})
    (queue,) = made.open(["reports"])
    for lane in ("eu-7", "zoe"):
        queue.enqueue_call("jobs:report", lane=lane, args=[lane])

    printed = run("config", "check", "fleet.toml", "--waiting", "--json", folder=tmp_path)
    assert (printed.returncode, json.loads(printed.stdout)["unassigned"]) == (1, [{"queue": "reports", "lane": "zoe"}])
    assert run("worker", "--config", "fleet.toml", "--id", "eu-1", "--burst", folder=tmp_path).stdout == (
        "a report for eu-7\na report for zoe\n"
    )
    assert queue.limits().rate.jobs == 100
    queue.close()


def vars_of(made):
    """Return the fields of a fleet."""
    return {name: getattr(made, name) for name in ("store", "queues", "workers")}


def test_the_command_line_tells_of_faults(tmp_path):
    """Each on a line, or as JSON; the exit code says that there are some."""
    path = tmp_path / "fleet.yaml"
    path.write_text("queues: {q: }\nworkers: [{id: w}, {id: w}]\n")

    said = CliRunner().invoke(main, ["config", "check", str(path)])
    assert (said.exit_code, said.stdout.splitlines()) == (
        1,
        ["2 workers have the id 'w': each needs one of its own", f"{path} has 1 fault"],
    )
    said = CliRunner().invoke(main, ["config", "check", str(path), "--json"])
    assert (said.exit_code, json.loads(said.stdout)["faults"]) == (
        1,
        ["2 workers have the id 'w': each needs one of its own"],
    )


def test_a_worker_in_a_process_of_its_own_needs_a_store_that_processes_share(tmp_path):
    """Nothing could be put into its memory."""
    path = tmp_path / "fleet.toml"
    path.write_text("store = 'memory://'\n[queues.q]\n[[workers]]\nid = 'w'\n")

    said = CliRunner().invoke(main, ["worker", "--config", str(path), "--id", "w"])
    assert said.exit_code == 1
    assert "memory of one process" in said.output


@pytest.mark.parametrize("arguments", [[], ["a:b", "--config", "x.toml"], ["--config", "x.toml"], ["--id", "w"]])
def test_a_worker_is_of_queues_or_of_a_fleet(arguments):
    """Anything else is a wrong call, with the exit code of one."""
    said = CliRunner().invoke(main, ["worker", *arguments])
    assert said.exit_code == 2
    assert "--config and --id" in said.output


def test_each_queue_keeps_its_timeout():
    """A worker of several holds each to its own, and to the worker's where it says none."""
    brief = {"timeout": 0.1}
    made = Fleet.from_dict(
        {"store": "memory://", "queues": {"brief": brief, "other": {}}, "workers": [{"id": "w", "timeout": 60}]}
    )
    running = made.worker("w", burst=True, allow=["asyncio"])
    for queue in running._queues:
        queue.enqueue_call("asyncio:sleep", lane="acme", args=[0.5])
    running.run()
    assert {queue.name: queue.stats().acked for queue in running._queues} == {"brief": 0, "other": 1}
