"""The reference of the command line shows what the commands say of themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from ranch.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
_HELP = re.compile(r"^```console\n\$ ranch ([^\n]*?)--help\n(.*?)```$", re.MULTILINE | re.DOTALL)


COMMANDS = [
    "",
    *main.commands,
    *(f"{group} {name}" for group in ("config", "dead", "schedule") for name in main.commands[group].commands),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_shown_with_its_help(command):
    """To the letter, so an option that comes or goes is seen here first."""
    shown = {name.strip(): text for name, text in _HELP.findall(PAGE.read_text(encoding="utf-8"))}
    said = CliRunner().invoke(main, [*command.split(), "--help"], prog_name="ranch", terminal_width=80).stdout

    assert shown[command] == said
