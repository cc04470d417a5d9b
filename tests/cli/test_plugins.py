from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

import ranch
from ranch.cli import main


def shown(*args: str) -> str:
    """Return what `ranch plugins` prints."""
    result = CliRunner().invoke(main, ["plugins", *args], prog_name="ranch")
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def described(*args: str) -> dict[str, Any]:
    """Return what it prints as JSON, by distribution."""
    return {one["distribution"]: one for one in json.loads(shown("--json", *args))}


def test_what_comes_with_ranch_is_shown() -> None:
    """Each name with its kind and summary, under the distribution and its version."""
    lines = shown().splitlines()

    assert lines[0] == f"ranch-scheduler {ranch.__version__}"
    assert "  strategy        round-robin     Every backlogged lane in turn." in lines
    assert "  weight function static          The weight that was set." in lines
    assert "  backend         sqlite          One file on one host, many processes, durable." in lines
    assert "  serializer      json            JSON, with dates, UUIDs and decimals; the default." in lines


def test_a_strangers_plugin_is_shown(install: Callable[..., None]) -> None:
    """As one's own is."""
    install("ranch-stack-e")

    assert "ranch-stack-e 1.2\n  strategy        stack           Last come, first served.\n" in shown()
    assert described()["ranch-stack-e"] == {
        "distribution": "ranch-stack-e",
        "version": "1.2",
        "state": "loaded",
        "reason": "",
        "plugins": ["ranch-stack-e-plugin"],
        "gives": {
            **{kind: [] for kind in described()["ranch-scheduler"]["gives"]},
            "strategy": [{"name": "stack", "summary": "Last come, first served."}],
        },
    }


def test_what_is_left_out_is_counted_and_explained_when_asked(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that is blocked or broken gives nothing; with --all, it is shown with the reason."""
    install("ranch-broken-b", "import no_such_module")
    install("ranch-stack-f")
    monkeypatch.setenv("RANCH_PLUGINS", "ranch-broken-b")

    assert shown().endswith("Left out: 2. Why, says ranch plugins --all\n")
    assert "ranch-broken-b" not in described()
    everything = shown("--all")
    assert "ranch-broken-b 1.2: broken, ModuleNotFoundError: No module named 'no_such_module'\n" in everything
    assert "ranch-stack-f 1.2: blocked, not named in RANCH_PLUGINS\n" in everything
    assert described("--all")["ranch-broken-b"]["state"] == "broken"


def test_two_plugins_of_one_name_are_an_error(install: Callable[..., None]) -> None:
    """In one line that names both."""
    install("ranch-stack-g")
    install("ranch-stack-h")

    result = CliRunner().invoke(main, ["plugins"], prog_name="ranch")

    assert result.exit_code == 1
    assert "ranch-stack-g 1.2 and ranch-stack-h 1.2" in result.stderr
    assert result.stderr.count("\n") == 1
