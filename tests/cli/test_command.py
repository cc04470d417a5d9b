from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

import ranch
from ranch.cli import Commands, main
from ranch.exceptions import ConfigError


def invoke(*args: str) -> Result:
    """Run `ranch` with arguments."""
    return CliRunner().invoke(main, args, prog_name="ranch")


def test_version() -> None:
    """`ranch --version` tells the installed version."""
    result = invoke("--version")

    assert (result.exit_code, result.stdout) == (0, f"ranch, version {ranch.__version__}\n")


def test_the_module_is_the_command() -> None:
    """`python -m ranch` is for where the script is not on the path."""
    said = subprocess.run([sys.executable, "-m", "ranch", "--version"], capture_output=True, text=True, check=False)

    assert (said.returncode, said.stdout) == (0, f"ranch, version {ranch.__version__}\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_the_commands(option: str) -> None:
    """Help is asked for with -h and --help, and lists what there is."""
    result = invoke(option)

    assert result.exit_code == 0
    assert "demo" in result.stdout


def test_help_of_the_demo_names_its_options() -> None:
    """Each option of the demo is explained."""
    result = invoke("demo", "--help")

    assert result.exit_code == 0
    for option in ("--backend", "--strategy", "--jobs", "--json", "--svg", "--no-svg"):
        assert option in result.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["dem"], "No such command 'dem'"),
        (["demo", "now"], "unexpected extra argument"),
        (["demo", "--fast"], "No such option"),
        (["demo", "--jobs", "0"], "0 is not in the range"),
        (["demo", "--jobs", "many"], "'many' is not a valid integer"),
        (["demo", "--svg", "/no/such/folder/demo.svg"], "there is no folder '/no/such/folder'"),
    ],
)
def test_wrong_usage(args: list[str], said: str) -> None:
    """What cannot be understood is said on stderr, with the exit code 2."""
    result = invoke(*args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--strategy", "weighted-lur"], "did you mean 'weighted-lru'?"),
        (["--strategy", "nothing-like-it"], "Known: bid ("),
        (["--backend", "mongodb://here"], "unknown backend 'mongodb'"),
        (["--backend", "here"], "'here' is no URL"),
        (["--backend", "memory://"], "the demo's worker is another process"),
        (["--backend", "sqlite:////no/such/folder/ranch.db"], "/no/such/folder/ranch.db"),
        (["--backend", "unix:///no/such/socket"], "cannot be reached"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["table", "json"])
def test_errors_of_ranch_are_one_line(args: list[str], said: str, more: list[str]) -> None:
    """What ranch cannot do is said in one line on stderr, with the exit code 1, before anything is started."""
    result = invoke("demo", "--no-svg", *args, *more)

    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_many_faults_are_one_line_too() -> None:
    """An error that lists several faults stays on one line."""

    @click.group(cls=Commands)
    def group() -> None: ...

    @group.command()
    def fail() -> None:
        raise ConfigError(["lease is no number", "share is too large"], where="here")

    result = CliRunner().invoke(group, ["fail"])

    assert result.exit_code == 1
    assert result.stderr == "Error: here: - lease is no number - share is too large\n"


@pytest.mark.parametrize("args", [[], ["--json"]], ids=["table", "json"])
def test_a_missing_extra_is_named(args: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the packages of the extra, the demo says what to install, before anything is started."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = invoke("demo", *args)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "pip install 'ranch-scheduler[demo]'" in result.stderr


def test_numbers_alone_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a picture, the demo gets by without the extra."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = invoke("demo", "--json", "--no-svg", "--strategy", "none")

    assert "unknown strategy 'none'" in result.stderr
