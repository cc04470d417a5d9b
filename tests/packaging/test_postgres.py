"""A store of a third party, from its source to a queue on a real server."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def postgres(environment, tmp_path_factory):
    """The example, installed from a copy of its source, so that nothing is left in the original."""
    project = tmp_path_factory.mktemp("third-party") / "ranch-postgres"
    shutil.copytree(EXAMPLES / "ranch-postgres", project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    environment.install(project)
    return project


def test_the_command_line_shows_it(environment, postgres, tmp_path):
    """With its scheme, and without a driver for PostgreSQL: that is imported when a queue asks for it."""
    printed = environment.run("-c", "from ranch.cli import main; main()", "plugins", "--json", cwd=tmp_path)

    (shown,) = [one for one in json.loads(printed) if one["distribution"] == "ranch-postgres"]
    assert (shown["version"], shown["state"]) == ("0.1.0", "loaded")
    assert [record["name"] for record in shown["gives"]["backend"]] == ["postgresql"]


@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_its_own_tests_pass_where_it_is_installed(environment, postgres, tmp_path):
    """With ranch from a wheel, on a server of their own; some of them find it by its URL alone."""
    shutil.copytree(postgres / "tests", tmp_path / "tests")

    printed = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path, timeout=600)

    assert re.search(r"^\d+ passed in", printed, re.MULTILINE), printed
