from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ranch import Queue
from ranch.cli import main


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with a queue of one job."""
    url = f"sqlite:///{tmp_path}/ranch.db"
    with Queue("mail", backend=url) as queue:
        queue.enqueue("acme", 1)
    return url


def invoke(*args: str) -> Result:
    """Run `ranch strategy` with arguments."""
    return CliRunner().invoke(main, ["strategy", *args], prog_name="ranch")


def test_it_shows_the_strategy(url: str) -> None:
    """Without a name nothing is changed."""
    assert invoke("-q", "mail", "--backend", url).stdout == "queue 'mail' is served by 'weighted-lru'\n"
    assert json.loads(invoke("-q", "mail", "--backend", url, "--json").stdout) == {
        "queue": "mail",
        "strategy": {"name": "weighted-lru", "options": {}, "generation": 0},
    }


def test_it_tells_of_an_unused_queue(url: str) -> None:
    """A queue without jobs has no strategy, and gets none by being asked."""
    assert "'none' has no strategy" in invoke("-q", "none", "--backend", url).stdout
    assert json.loads(invoke("-q", "none", "--backend", url, "--json").stdout) == {"queue": "none", "strategy": None}


def test_it_sets_the_strategy(url: str) -> None:
    """Options are numbers where they look like numbers; those who use the queue follow."""
    result = invoke("-q", "mail", "bid", "-o", "ageing=0.5", "--backend", url)

    assert (result.exit_code, result.stdout) == (0, "queue 'mail' is served by 'bid' (ageing=0.5), set once\n")
    shown = json.loads(invoke("-q", "mail", "round-robin", "--backend", url, "--json").stdout)
    assert shown["strategy"] == {"name": "round-robin", "options": {}, "generation": 2}
    with Queue("mail", backend=url) as queue:
        assert queue.claim() is not None


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["-q", "mail"], 2, "Missing option '--backend'"),
        (["--backend", "sqlite:///x.db"], 2, "Missing option '--queue'"),
        (["-q", "mail", "-o", "ageing=1", "--backend", "sqlite:///x.db"], 2, "-o is an option of a strategy"),
        (["-q", "mail", "bid", "-o", "ageing", "--backend", "sqlite:///x.db"], 2, "-o takes NAME=VALUE, not 'ageing'"),
        (["-q", "mail", "bidd", "--backend", "URL"], 1, "did you mean 'bid'?"),
        (["-q", "mail", "bid", "-o", "ageing=much", "--backend", "URL"], 1, "'much'"),
        (["-q", "mail", "bid", "-o", "aging=1", "--backend", "URL"], 1, "did you mean 'ageing'?"),
        (["-q", "mail", "--backend", "memory://"], 1, "memory of one process"),
        (["-q", "mail", "--backend", "unix:///no/such/socket"], 1, "cannot be reached"),
    ],
)
def test_what_is_wrong_is_said(args: list[str], code: int, said: str, url: str) -> None:
    """In one line on stderr, and nothing is changed."""
    result = invoke(*(url if arg == "URL" else arg for arg in args))

    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    with Queue("mail", backend=url) as queue:
        choice = queue.read_strategy()
        assert choice is not None
        assert choice.generation == 0
