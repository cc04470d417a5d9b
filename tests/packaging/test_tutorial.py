"""The tutorial for strategies, followed word for word in a shell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "your-own-strategy.md"
# A block, with the file that it is, if the line before says so.
_BLOCK = re.compile(r"^(?:This is `([^`]+)`:\n\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What the last block takes for granted: a reader who has an app.
AN_APP = "from celery import Celery\napp = Celery()\n"


def shell_script(prepare: str) -> str:
    """Make one script of the page: its commands as they stand, its files at their places, its programs run.

    Args:
        prepare: A command to put behind the one that makes the environment.
    """
    script = ["set -e"]
    for name, language, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if name:
            script.append(f"cat > {name} <<'END'\n{text}END")
        elif language == "console":
            for line in text.splitlines():
                assert line.startswith("$ "), line
                script += [line.removeprefix("$ "), *([prepare] if "-m venv" in line else [])]
        else:
            assert language == "python", language
            script.append(f"python - <<'END'\n{AN_APP if text.startswith('app.') else ''}{text}END")
    return "\n".join(script)


@pytest.fixture
def prepare(tmp_path: Path) -> str:
    """The command that puts the packages of the outer environment into a fresh one, so that none need be fetched.

    All but ranch: it has to come from its wheel.
    """
    outer = tmp_path / "outer"
    outer.mkdir()
    for site in (Path(path) for path in sys.path if path.endswith("site-packages")):
        for package in site.iterdir():
            link = outer / package.name
            if package.suffix != ".pth" and not package.name.startswith("ranch") and not link.exists():
                link.symlink_to(package)
    pytest_of_venv = (
        "printf '#!/bin/sh\\nexec python -m pytest \"$@\"\\n' > .venv/bin/pytest; chmod +x .venv/bin/pytest"
    )
    return f"for site in .venv/lib/python*/site-packages; do echo {outer} > $site/outer.pth; done; {pytest_of_venv}"


@pytest.mark.timeout(240)
def test_the_tutorial_can_be_followed(environment, prepare, tmp_path):
    """With nothing left out: files, environment, installation, tests, the list of plugins, and a queue."""
    script = shell_script(prepare)
    for command in ("python -m venv .venv", "pip install -e '.[test]'", "pytest", "ranch plugins"):
        assert f"\n{command}\n" in script
    variables = {
        **environment.variables,
        "PATH": f"{Path(sys.executable).parent}:{environment.variables['PATH']}",
        # Ranch is the wheel built from this tree; the rest is there.
        "PIP_FIND_LINKS": str(environment.wheels),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which says that there is to be none
        "PIP_CONFIG_FILE": "/dev/null",
    }
    folder = tmp_path / "reader"
    folder.mkdir()

    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=200
    )

    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert re.search(r"^=* ?(10 passed, 3|8 passed, 5) skipped", printed, re.MULTILINE), printed
    assert "ranch-deadline 0.1.0\n  strategy        deadline        The lane whose next job is due first" in printed
    (ranch,) = (folder / "ranch-deadline" / ".venv").glob("lib/python*/site-packages/ranch/__init__.py")
    assert not ranch.is_symlink()
