"""The page about operating queues can be followed in a shell."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from ranch.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "operating.md"
_BLOCK = re.compile(r"^```(console|python)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ ranch (.*)\n((?:(?!\$ ).*\n?)*)", re.MULTILINE)


def test_each_command_does_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, in one empty folder; … stands for what is another each time."""
    monkeypatch.chdir(tmp_path)
    followed = set()
    for kind, block in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "python":
            exec(block, {})
        for variable, value in re.findall(r"(RANCH_\w+)=(\S+)", block) if block.startswith("$ export") else ():
            monkeypatch.setenv(variable, value)
        for command, shown in _COMMAND.findall(f"{block}\n") if kind == "console" else ():
            args = shlex.split(command)
            said = CliRunner().invoke(main, args, prog_name="ranch").output
            assert re.fullmatch(re.escape(shown).replace("…", ".+"), said), f"$ ranch {command}\n{said}"
            followed.add(args[0] if args[0] != "dead" else f"dead {args[1]}")

    commands = {*main.commands, *(f"dead {name}" for name in main.commands["dead"].commands)}
    # The others have pages of their own.
    assert followed == commands - {"check", "config", "dead", "demo", "plugins", "schedule", "top", "worker"}
